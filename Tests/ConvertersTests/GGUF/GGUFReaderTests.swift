import Converters
import Tensors
import Testing

@Suite struct GGUFReaderTests {
  private func read(_ bytes: [UInt8]) throws -> WeightCollection {
    try bytes.withUnsafeBytes { try GGUFReader.read($0) }
  }

  private func code(_ file: GGUFBytes) -> EngineError.Code? {
    do {
      _ = try read(file.bytes)
      return nil
    } catch { return (error as? EngineError)?.code }
  }

  private func half(_ value: Float) -> [UInt8] {
    GGUFBytes.little(Float16(value).bitPattern)
  }

  /// One block of each kind, and plain numbers.
  private var example: GGUFBytes {
    var file = GGUFBytes()
    file.pairs = [
      ("general.name", 8, GGUFBytes.string("small")),
      (
        "tokens", 9,
        GGUFBytes.little(UInt32(8)) + GGUFBytes.little(UInt64(1)) + GGUFBytes.string("a")
      ),
      ("layers", 4, GGUFBytes.little(UInt32(2))),
    ]
    let nibbles = (0..<16).map { UInt8($0 | (15 - $0) << 4) }
    let ones = [UInt8](repeating: 0xFF, count: 4)
    file.entries = [
      .init(
        name: "f32", dims: [3, 2], type: 0,
        data: [1, 2, 3, 4, 5, 6].flatMap { GGUFBytes.little(Float($0).bitPattern) }),
      .init(name: "f16", dims: [2], type: 1, data: half(1.5) + half(-2)),
      .init(name: "bf16", dims: [1], type: 30, data: [0x80, 0x3F]),
      .init(
        name: "q8_0", dims: [32], type: 8,
        data: half(0.5) + (0..<32).map { UInt8(bitPattern: Int8($0 - 16)) }),
      .init(name: "q4_0", dims: [32], type: 2, data: half(2) + nibbles),
      .init(name: "q4_1", dims: [32], type: 3, data: half(2) + half(1) + nibbles),
      .init(name: "q5_0", dims: [32], type: 6, data: half(1) + ones + nibbles),
      .init(name: "q5_1", dims: [32], type: 7, data: half(1) + half(-1) + ones + nibbles),
    ]
    return file
  }

  @Test func numbersAndBlocksBecomeTensors() throws {
    let weights = try read(example.bytes)
    func floats(_ name: String) throws -> [Float] {
      let tensor = try #require(weights.tensors.first { $0.name == name }?.value)
      return Array(tensor.elements(Float.self))
    }
    let plain = try #require(weights.tensors.first?.value)
    #expect(plain.shape == [2, 3])
    #expect(try floats("f32") == [1, 2, 3, 4, 5, 6])
    #expect(weights.tensors[1].value.dtype == .float16)
    #expect(Array(weights.tensors[1].value.elements(Float16.self)) == [1.5, -2])
    #expect(weights.tensors[2].value.dtype == .bfloat16)
    #expect(try floats("q8_0") == (0..<32).map { Float($0 - 16) / 2 })
    let low = (0..<16).map { Float($0) }
    let high = (0..<16).map { Float(15 - $0) }
    #expect(try floats("q4_0") == (low + high).map { 2 * ($0 - 8) })
    #expect(try floats("q4_1") == (low + high).map { 2 * $0 + 1 })
    // Every fifth bit is set: 16 more, less the 16 that Q5_0 takes off.
    #expect(try floats("q5_0") == low + high)
    #expect(try floats("q5_1") == (low + high).map { $0 + 15 })
    #expect(weights.metadata.map(\.key) == ["general.name", "tokens", "layers"])
    #expect(weights.metadata.map(\.value) == ["small", "[1 strings]", "2"])
  }

  @Test func whatIsNoFileIsRefused() {
    func changed(_ change: (inout GGUFBytes) -> Void) -> EngineError.Code? {
      var file = example
      change(&file)
      return code(file)
    }
    #expect(changed { _ in } == nil)
    #expect(changed { $0.version = 1 } == .unsupported)
    #expect(changed { $0.version = UInt32(3).byteSwapped } == .unsupported)
    #expect(changed { $0.tensorCount = .max } == .budget)
    #expect(changed { $0.pairCount = .max } == .budget)
    // More axes than ggml has.
    #expect(changed { $0.entries[0].dims = [1, 1, 1, 1, 6] } == .malformed)
    // Sizes whose product wraps.
    #expect(changed { $0.entries[0].dims = [1 << 32, 1 << 32] } == .shape)
    #expect(changed { $0.entries[0].dims = [.max] } == .budget)
    // Rows that are not whole blocks, offsets that overlap, leave gaps or lie outside.
    #expect(changed { $0.entries[3].dims = [31] } == .malformed)
    #expect(changed { $0.entries[1].offset = 0 } == .malformed)
    #expect(changed { $0.entries[1].offset = .max } == .budget)
    #expect(changed { $0.entries[7].data = [] } == .malformed)
    #expect(changed { $0.entries[1].name = "f32" } == .malformed)
    #expect(changed { $0.entries[0].type = 12 } == .unsupported)
    #expect(changed { $0.entries[0].type = 99 } == .unsupported)
    // Paddings of 0, and such that wrap.
    for alignment in [UInt32(0), 3, .max] {
      let pair = ("general.alignment", UInt32(4), GGUFBytes.little(alignment))
      #expect(changed { $0.pairs.append(pair) } == .malformed, "\(alignment)")
    }
    #expect(changed { $0.pairs.append(("general.alignment", 6, [0, 0, 0, 0])) } == .malformed)
  }

  @Test func pairsAreBoundedBeforeTheyAreRead() {
    func refused(_ type: UInt32, _ value: [UInt8]) -> EngineError.Code? {
      var file = example
      file.pairs.append(("x", type, value))
      return code(file)
    }
    let huge = GGUFBytes.little(UInt64(1) << 40)
    #expect(refused(8, huge) == .budget)
    #expect(refused(9, GGUFBytes.little(UInt32(0)) + huge) == .budget)
    #expect(
      refused(9, GGUFBytes.little(UInt32(8)) + GGUFBytes.little(UInt64(1) << 27)) == .malformed)
    #expect(refused(9, GGUFBytes.little(UInt32(9)) + GGUFBytes.little(UInt64(1))) == .unsupported)
    #expect(refused(9, GGUFBytes.little(UInt32(77)) + GGUFBytes.little(UInt64(1))) == .malformed)
    #expect(refused(13, []) == .malformed)
    #expect(refused(7, [2]) == .malformed)
    #expect(refused(8, GGUFBytes.little(UInt64(2)) + [0xFF, 0xFE]) == .malformed)
    #expect(refused(8, GGUFBytes.little(UInt64(1)) + [0]) == .malformed)
  }

  @Test func truncationsAndFlipsSurvive() throws {
    let bytes = example.bytes
    for count in 0..<bytes.count { _ = try? read(Array(bytes.prefix(count))) }
    for i in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[i] ^= 1 << bit
        _ = try? read(flipped)
      }
    }
    #expect(throws: EngineError.self) { try read(Array(bytes.prefix(bytes.count / 2))) }
  }
}
