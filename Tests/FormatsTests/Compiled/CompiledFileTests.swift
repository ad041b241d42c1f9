import Glibc
import Graphs
import Tensors
import Testing

@testable import Formats

/// Compiled models as files: what is written is read again, and nothing else is.
@Suite struct CompiledFileTests {
  /// y = x w + b with a packed form of `w`, and a node that is written for another opset.
  private static func sample() throws -> (model: ModelGraph, parts: CompiledParts) {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "batch"), 8]))
    let w = g.addInitializer("w", try Tensor(shape: [8, 16], (0..<128).map { Float($0) }))
    let b = g.addInitializer("b", try Tensor(shape: [16], (0..<16).map { Float($0) }))
    let (sum, y) = (g.addValue("", Fact(nil, nil)), g.addValue("y", Fact(nil, nil)))
    var product = Graph.Node(
      type: "FusedLinear", domain: "ai.dlrun", inputs: [x, w, b], outputs: [sum])
    product.opset = 1
    g.nodes = [product, .init(type: "Relu", inputs: [sum], outputs: [y])]
    g.outputs = [y]
    var model = ModelGraph(g)
    model.opsets = [("", 17), ("ai.dlrun", 1)]
    let packed = try Tensor(shape: [512], (0..<512).map { UInt8(truncatingIfNeeded: $0) })
    let parts = CompiledParts(
      instructionSet: "avx2", packingVersion: 1, level: "all", isExact: false, isCompact: false,
      inputs: [("x", TensorType(.float32, [1, 8]))],
      packed: [
        .init(constant: 0, form: "gemm right 16x8 by 1,16", bytes: packed)
      ])
    return (model, parts)
  }

  private static func bytes() throws -> [UInt8] {
    let (model, parts) = try sample()
    return try withFile([]) { path in
      try CompiledWriter.write(model, parts, to: path)
      return try contents(of: path)
    }
  }

  /// The same bytes with digests that fit them.
  private static func sealed(_ bytes: [UInt8]) throws -> [UInt8] {
    func number(_ at: Int) -> Int {
      (0..<8).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
    var result = bytes
    var sha = SHA256()
    sha.update(Array(bytes[number(40)..<(number(40) + number(48))]))
    sha.update(Array(bytes[number(56)..<(number(56) + number(64))]))
    result.replaceSubrange(72..<104, with: sha.finish())
    return resealed(result)
  }
  /// The same with the header's digest alone.
  private static func resealed(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    var sha = SHA256()
    sha.update(Array(bytes[..<224]))
    result.replaceSubrange(224..<256, with: sha.finish())
    return result
  }

  @Test func readsBackWhatWasWritten() throws {
    let (model, parts) = try Self.sample()
    let bytes = try Self.bytes()
    #expect(try Self.bytes() == bytes)
    try withFile(bytes) { path in
      for read in [try ModelFile.read(contentsOf: path), try ModelFile.read(bytes: bytes)] {
        #expect(read.graph.nodes.map(\.type) == ["FusedLinear", "Relu"])
        #expect(read.graph.nodes.map(\.opset) == [1, nil])
        #expect(read.graph.nodes[0].metadata.isEmpty)
        for (a, b) in zip(read.graph.initializers, model.graph.initializers) {
          #expect(a.tensor.type == b.tensor.type)
          #expect(a.tensor.rawBytes.elementsEqual(b.tensor.rawBytes))
        }
        let back = try #require(read.compiled)
        #expect(back.instructionSet == "avx2" && back.level == "all" && !back.isExact)
        #expect(back.inputs.map(\.name) == ["x"] && back.inputs[0].type == parts.inputs[0].type)
        #expect(back.packed.count == 1 && back.packed[0].form == parts.packed[0].form)
        #expect(back.packed[0].bytes.rawBytes.elementsEqual(parts.packed[0].bytes.rawBytes))
        #expect(UInt(bitPattern: back.packed[0].bytes.storage.bytes) % 64 == 0)
      }
      try ModelFile.verifyWeights(of: path)
    }
    // Changed, it is a model like any other.
    var changed = try ModelFile.read(bytes: bytes)
    changed.graph.nodes[1].name = "last"
    #expect(changed.compiled == nil)
  }

  @Test func whatIsCutOffIsRefused() throws {
    let bytes = try Self.bytes()
    for length in 8..<bytes.count {
      let error = failure { try ModelFile.read(bytes: Array(bytes[..<length])) }
      #expect(error?.code == .malformed && error?.message.contains("cut off") == true)
    }
    #expect(failure { try ModelFile.read(bytes: bytes + [0]) }?.code == .malformed)
  }

  @Test func everyFlippedBitOfHeaderAndGraphIsNoticed() throws {
    let bytes = try Self.bytes()
    let header = try bytes.withUnsafeBytes { try CompiledHeader(reading: $0) }
    let places = Array(8..<256) + Array(header.graph) + Array(header.manifest)
    for place in places {
      for bit in 0..<8 {
        var copy = bytes
        copy[place] ^= 1 << UInt8(bit)
        let error = failure { try ModelFile.read(bytes: copy) }
        #expect(error?.code == .malformed || error?.code == .unsupported, "byte \(place)")
      }
    }
  }

  @Test func flippedBitsOfWeightsAreFoundByVerifying() throws {
    var bytes = try Self.bytes()
    let header = try bytes.withUnsafeBytes { try CompiledHeader(reading: $0) }
    bytes[header.weights.upperBound - 1] ^= 1
    try withFile(bytes) { path in
      _ = try ModelFile.read(contentsOf: path)
      let error = failure { try ModelFile.verifyWeights(of: path) }
      #expect(error?.code == .malformed && error?.message.contains("weights") == true)
    }
  }

  @Test func hostileFilesWithFittingDigestsDoNotTrap() throws {
    let bytes = try Self.bytes()
    let header = try bytes.withUnsafeBytes { try CompiledHeader(reading: $0) }
    for place in Array(header.graph) + Array(header.manifest) {
      for bit in 0..<8 {
        var copy = bytes
        copy[place] ^= 1 << UInt8(bit)
        do { _ = try ModelFile.read(bytes: Self.sealed(copy)) } catch {
          #expect(error is EngineError)
        }
      }
    }
    let numbers: [UInt64] = [
      0, 1, 255, 256, 4095, UInt64(bytes.count) - 1, UInt64(bytes.count), UInt64(bytes.count) + 1,
      1 << 32, 1 << 62, UInt64(Int.max), UInt64(Int.max) + 1, .max - 7, .max,
    ]
    for place in stride(from: 16, to: 72, by: 8) {
      for n in numbers {
        var copy = bytes
        copy.replaceSubrange(place..<place + 8, with: (0..<8).map { UInt8(n >> (8 * $0) & 0xFF) })
        // Wrong numbers are refused, none traps.
        _ = try? ModelFile.read(bytes: Self.resealed(copy))
      }
    }
  }

  @Test func packedFormsMustLieAmongTheWeights() throws {
    let bytes = try Self.bytes()
    let header = try bytes.withUnsafeBytes { try CompiledHeader(reading: $0) }
    let file = try bytes.withUnsafeBytes { try FileBytes(copying: $0) }
    func parts(_ packed: JSONValue) throws -> CompiledParts {
      var o = try #require(
        JSONParser.parse(Array(bytes[header.manifest])).asObject?.dropping("packed"))
      o.append("packed", [packed])
      return try CompiledManifest.parts(
        .object(o), in: file, weights: header.weights, initializers: 2)
    }
    let (start, end) = (Int64(header.weights.lowerBound), Int64(header.weights.upperBound))
    _ = try parts([0, "f", .int(start), .int(end - start)])
    for wrong: JSONValue in [
      [2, "f", .int(start), 64], [-1, "f", .int(start), 64], [0, "f", .int(start - 64), 64],
      [0, "f", .int(start + 1), 8], [0, "f", .int(start), .int(end - start + 1)],
      [0, "f", .int(start), -1], [0, "f", .int(.max - 63), 64], [0, 1, .int(start), 64],
      [0, "f", .int(start)], "f",
    ] {
      #expect(failure { try parts(wrong) }?.code == .malformed, "\(wrong)")
    }
  }

  @Test func versionsAndByteOrdersAreRefusedWithReasons() throws {
    var bytes = try Self.bytes()
    bytes[8] = 99
    let version = failure { try ModelFile.read(bytes: Self.resealed(bytes)) }
    #expect(version?.code == .unsupported && version?.received == "99")
    bytes[8] = 1
    for (place, byte) in zip(12..<16, [1, 2, 3, 4] as [UInt8]) { bytes[place] = byte }
    let order = failure { try ModelFile.read(bytes: Self.resealed(bytes)) }
    #expect(order?.code == .unsupported && order?.message.contains("byte order") == true)
  }

  @Test func weightsInOtherFilesAreNotOpened() throws {
    let (model, _) = try Self.sample()
    let tensor = try #require(model.graph.initializers.first).tensor
    let wire = ONNXWriter.serialise(
      model,
      external: ExternalPlacement(
        location: "passwords", checksum: nil, offsets: [ObjectIdentifier(tensor.storage): 0]))
    let graph = wire.joined()
    let bytes = try Self.bytes()
    let header = try bytes.withUnsafeBytes { try CompiledHeader(reading: $0) }
    var copy = Array(bytes[..<header.graph.lowerBound]) + graph + bytes[header.manifest]
    let end = header.graph.lowerBound + graph.count
    let patched = CompiledHeader(
      fileBytes: copy.count, weights: header.weights, graph: header.graph.lowerBound..<end,
      manifest: end..<copy.count, textDigest: header.textDigest, weightDigest: header.weightDigest)
    copy.replaceSubrange(0..<256, with: patched.bytes)
    let error = failure { try ModelFile.read(bytes: Self.sealed(copy)) }
    #expect(error?.code == .invalidModel && error?.received == "'passwords'")
  }
}

extension JSONObject {
  fileprivate func dropping(_ key: String) -> JSONObject {
    var result = JSONObject()
    for (k, v) in zip(keys, values) where k != key { result.append(k, v) }
    return result
  }
}
