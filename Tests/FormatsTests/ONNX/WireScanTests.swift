import Tensors
import Testing

@testable import Formats

@Suite struct WireScanTests {
  @Test func deepNestingIsRefused() {
    // 10,000 graphs, each in an attribute of the only node of the one around it.
    var inner = wire { $0.text(2, "g") }
    for _ in 0..<40 {
      inner = wire { w in
        w.message(1, wire { n in n.message(5, wire { a in a.message(6, inner) }) })
      }
    }
    #expect(complaint(modelMessage(inner)) == "malformed: messages nest too deeply")
    // The same without building it level by level: lengths are written from the inside out.
    var bytes: [UInt8] = []
    for i in 0..<9_999 {
      // From the inside: a graph in an attribute in a node.
      var head: [UInt8] = [[0x32, 0x2A, 0x0A][i % 3]]
      Wire.appendVarint(UInt64(bytes.count), to: &head)
      bytes = head + bytes
    }
    let raw = wire { $0.bytes(7, bytes) }.joined()
    #expect(complaint(raw) == "malformed: messages nest too deeply")
  }

  @Test func nestingThatOthersAcceptIsAccepted() throws {
    // 31 graphs within the model's own; the type of the innermost one's output is level 100.
    var body = graphMessage(
      nodes: [nodeMessage("Relu", ["x"], ["y0"])], inputs: [], outputs: ["y0"])
    for i in 1...30 {
      let branch = attributeMessage("body", 5) { $0.message(6, body) }
      body = graphMessage(
        nodes: [nodeMessage("Loop", [], ["y\(i)"], attributes: [branch])], inputs: [],
        outputs: ["y\(i)"])
    }
    let branch = attributeMessage("body", 5) { $0.message(6, body) }
    let model = try read(
      modelMessage(graphMessage(nodes: [nodeMessage("Loop", [], ["y"], attributes: [branch])])))
    #expect(model.graph.nodes[0].captured.map { model.graph.name($0) } == ["x"])
  }

  @Test func aMillionEmptyInitializersMeetTheBudget() {
    let graph = wire { w in w.raw([UInt8](repeating: 0, count: 0)) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2_000_000)
    for _ in 0..<1_000_000 { bytes += [0x2A, 0x00] }
    let file = modelMessage(
      wire { w in
        w.message(1, graph)
        w.raw(bytes)
      })
    var limits = ReadLimits()
    limits.decodedBytes = 64 << 20
    #expect(complaint(file, limits) == "budget: decoding takes too much memory")
  }

  @Test func tooManyFieldsAreRefused() {
    var limits = ReadLimits()
    limits.maxFields = 5
    #expect(complaint(modelMessage(), limits) == "budget: too many fields")
  }

  @Test func unknownFieldsAreLimitedAndKept() throws {
    let file = modelMessage { $0.bytes(4000, [UInt8](repeating: 7, count: 100)) }
    var limits = ReadLimits()
    limits.maxUnknownBytes = 50
    #expect(complaint(file, limits) == "budget: too many bytes in unknown fields")
    let model = try read(file)
    #expect(model.unknownFields.count == 104)
    #expect(try ONNXWriter.bytes(model).suffix(100) == ArraySlice(repeating: 7, count: 100))
  }

  @Test func filesBeyondTheLimitAreRefused() {
    var limits = ReadLimits()
    limits.maxFileBytes = 10
    #expect(complaint(modelMessage(), limits) == "budget: the file is too large")
  }

  @Test(
    arguments: [
      ([0x0B], "field 1 has wire type 3 in ModelProto"),
      ([0x0C], "field 1 has wire type 4 in ModelProto"),
      ([0x0E], "field 1 has wire type 6 in ModelProto"),
      ([0x00, 0x00], "field number 0 is illegal in ModelProto"),
      ([0x08], "the file ends within a number"),
      ([0x08, 0x80], "the file ends within a number"),
      (
        [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        "a number is longer than 10 bytes"
      ),
      ([0x88, 0x80, 0x80, 0x80, 0x80, 0x00], "a number is longer than 5 bytes"),
      ([0x12, 0x05, 0x61], "a field runs past the end of its message"),
      ([0x09, 0x00], "a field runs past the end of its message"),
      ([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], "a field runs past the end of its message"),
      ([0x0A, 0x01, 0x00], "field 'ir_version' has the wrong wire type in ModelProto"),
      ([0x08, 0x0A, 0x08, 0x0A], "field 'ir_version' appears twice in ModelProto"),
      (
        [0x08, 0x0A, 0x12, 0x02, 0x61, 0x00], "field 'producer_name' holds a NUL byte in ModelProto"
      ),
      ([0x08, 0x0A, 0x12, 0x02, 0x61, 0xFF], "field 'producer_name' is not UTF-8 in ModelProto"),
      ([0x08, 0x0A, 0x3A, 0x00, 0x3A, 0x00], "field 'graph' appears twice in ModelProto"),
    ] as [([UInt8], String)])
  func brokenWireIsRefused(bytes: [UInt8], message: String) {
    #expect(complaint(bytes) == "malformed: \(message)")
    #expect(failure { try read(bytes) }?.subject.offset != nil)
    #expect(failure { try read(bytes) }?.subject.file == "test.onnx")
  }

  @Test func bothMembersOfAChoiceAreRefused() {
    let dim = wire { w in
      w.int(1, 2)
      w.string(2, "n")
    }
    let info = wire { w in
      w.string(1, "x")
      w.message(
        2,
        wire { t in
          t.message(1, wire { e in e.message(2, wire { s in s.message(1, dim) }) })
        })
    }
    let file = modelMessage(wire { $0.message(11, info) })
    #expect(complaint(file) == "malformed: field 'dim_param' appears twice in Dimension")
  }

  @Test func theFieldOfCutsIsReserved() {
    let tensor = tensorMessage { w in w.raw(WireScan.markerTag + [0, 0, 0, 0]) }
    #expect(
      complaint(modelMessage(graphMessage(initializers: [tensor])))
        == "malformed: field 536870911 is reserved in TensorProto")
  }

  @Test func utf8IsCheckedToTheLetter() {
    func bad(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { WireReader.firstBadByte($0) } }
    #expect(bad(Array("aé€😀".utf8)) == nil)
    #expect(bad([0xC0, 0x80]) == 0)
    #expect(bad([0x61, 0xE0, 0x80, 0x80]) == 1)
    #expect(bad([0xED, 0xA0, 0x80]) == 0)
    #expect(bad([0xF4, 0x90, 0x80, 0x80]) == 0)
    #expect(bad([0xE2, 0x82]) == 0)
    #expect(bad([0xF0, 0x9F, 0x98, 0x20]) == 0)
    #expect(bad([0x61, 0x80]) == 1)
    // Every code point survives, and only those do.
    for scalar in stride(from: UInt32(1), through: 0x10FFFF, by: 97) {
      guard let s = Unicode.Scalar(scalar) else { continue }
      #expect(bad(Array(String(Character(s)).utf8)) == nil)
    }
  }

  @Test func largeTensorsAreCutAndSmallOnesAreNot() throws {
    let large = tensorMessage("large", dims: [2048]) { w in
      w.bytes(9, (0..<2048).flatMap { i in withUnsafeBytes(of: Float(i)) { Array($0) } })
    }
    let small = tensorMessage("small", dims: [1]) { $0.bytes(9, [0, 0, 0x80, 0x3F]) }
    let bytes = modelMessage(graphMessage(initializers: [large, small, large.renamed("again")]))
    let kind = try #require(MessageKind<PB.Model>.model)
    let (cuts, stripped) = try bytes.withUnsafeBytes { buffer in
      let scan = try WireScan(buffer, as: kind.descriptor, limits: ReadLimits())
      return (scan.cuts, scan.stripped(buffer))
    }
    #expect(cuts.count == 2)
    #expect(cuts.allSatisfy { $0.payload.count == 8192 })
    #expect(stripped.count == bytes.count - cuts.reduce(0) { $0 + $1.field.count - 9 })
    let model = try read(bytes)
    #expect(model.graph.initializers.map { $0.tensor.floats.last } == [2047, 1, 2047])
  }

  @Test func everyTruncationAndBitFlipIsSurvived() {
    let branch = attributeMessage("then_branch", 5) { w in
      w.message(
        6, graphMessage(nodes: [nodeMessage("Neg", ["x"], ["n"])], inputs: [], outputs: ["n"]))
    }
    let bytes = modelMessage(
      graphMessage(
        nodes: [
          nodeMessage("If", ["c"], ["t"], attributes: [branch]),
          nodeMessage("Add", ["t", "w"], ["y"]),
        ], inputs: ["x", "c"],
        initializers: [tensorMessage { $0.bytes(9, [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]) }]))
    let accepted = attack(bytes) { _ = try read($0) }
    // A shortened file without its last opset is a model without one; cutting none is not tried.
    #expect(accepted.cut == 0)
    #expect(accepted.flipped > 0 && accepted.flipped < bytes.count * 8)
  }

  @Test func everyFailingAllocationIsSurvived() throws {
    // Growing the budget by the smallest block lets each allocation be the first to fail.
    let bytes = modelMessage(
      graphMessage(initializers: [tensorMessage { $0.bytes(9, [UInt8](repeating: 0, count: 8)) }]))
    var limits = ReadLimits()
    var failures = 0
    for budget in stride(from: 0, to: 100_000, by: 8) {
      limits.decodedBytes = budget
      let outcome = complaint(bytes, limits)
      if outcome == "accepted" { break }
      #expect(outcome == "budget: decoding takes too much memory")
      failures += 1
    }
    #expect(failures > 50 && failures < 12_000)
  }

  @Test func aSmallStackIsEnough() throws {
    // A caller through the C interface may have any stack. The deepest legal nesting:
    var body = graphMessage(nodes: [nodeMessage("N", [], ["y0"])], inputs: [], outputs: ["y0"])
    for i in 1...31 {
      let branch = attributeMessage("body", 5) { $0.message(6, body) }
      body = graphMessage(
        nodes: [nodeMessage("Loop", [], ["y\(i)"], attributes: [branch])], inputs: [],
        outputs: i < 31 ? ["y\(i)"] : [])
    }
    let bytes = modelMessage(body)
    let done = onStack(of: 512 << 10) { complaint(bytes) }
    #expect(done == "accepted")
  }

  @Test func damagedFeaturesAreSurvived() throws {
    let whole = try Features.bytes()
    for length in stride(from: 0, to: whole.count, by: 23) {
      #expect(failure { try read(Array(whole[..<length])) } != nil)
    }
    for bit in stride(from: 0, to: whole.count * 8, by: 41) {
      var copy = whole
      copy[bit / 8] ^= 1 << UInt8(bit % 8)
      do { _ = try read(copy) } catch { #expect(error is EngineError) }
    }
  }
}

extension Wire {
  /// The tensor again, under another name.
  func renamed(_ name: String) -> Wire {
    let old = joined()
    return wire { w in
      w.raw(old.withoutName("large"))
      w.text(8, name)
    }
  }
}

extension [UInt8] {
  func withoutName(_ name: String) -> [UInt8] {
    let field: [UInt8] = [8 << 3 | 2, UInt8(name.utf8.count)] + Array(name.utf8)
    guard let start = indices.first(where: { self[$0...].starts(with: field) }) else { return self }
    return Array(self[..<start]) + Array(self[(start + field.count)...])
  }
}
