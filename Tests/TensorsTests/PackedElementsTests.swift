import Tensors
import Testing

@Suite struct PackedElementsTests {
  @Test(
    arguments: [DType.int4, .uint4, .int2, .uint2, .float4e2m1, .float6e2m3], [0, 1, 2, 3, 4, 5, 9])
  func comesBack(_ dtype: DType, _ count: Int) throws {
    let packed = try #require(PackedElements(dtype))
    let mask = UInt8(1) << UInt8(dtype.bits) - 1
    let codes = (0..<count).map { UInt8($0 * 5 + 3) & mask }
    var memory = [UInt8](repeating: 0xAA, count: dtype.byteCount(of: count) + 1)
    codes.withUnsafeBufferPointer { c in
      memory.withUnsafeMutableBytes { m in
        if let base = m.baseAddress { packed.pack(c, base) }
      }
    }
    #expect(memory[dtype.byteCount(of: count)] == 0xAA)
    memory.withUnsafeBytes { m in
      guard let base = m.baseAddress else { return }
      for i in 0..<count { #expect(packed.code(base, i) == codes[i]) }
    }
  }

  @Test func firstElementInTheLowBits() throws {
    let bytes: [UInt8] = [0x8F]
    try bytes.withUnsafeBytes { m in
      let base = try #require(m.baseAddress)
      let signed = try #require(PackedElements(.int4)), plain = try #require(PackedElements(.uint4))
      #expect(signed.integer(base, 0) == -1 && signed.integer(base, 1) == -8)
      #expect(plain.integer(base, 0) == 15 && plain.integer(base, 1) == 8)
      let two = try #require(PackedElements(.int2))
      #expect((0..<4).map { two.integer(base, $0) } == [-1, -1, 0, -2])
    }
  }

  @Test func refusesWholeBytes() { #expect(PackedElements(.int8) == nil) }
}
