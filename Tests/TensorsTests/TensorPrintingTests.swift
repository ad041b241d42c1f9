import Tensors
import Testing

@Suite struct TensorPrintingTests {
  private func packed(_ dtype: DType, _ shape: Shape, _ bytes: [UInt8]) throws -> Tensor {
    try Tensor(TensorType(dtype, shape)) { (p) throws(EngineError) in p.copyBytes(from: bytes) }
  }

  @Test func alignsColumns() throws {
    let t = try Tensor(shape: [2, 2], [1, -10, 0.5, 2] as [Float])
    #expect(t.preview() == "[[  1.0, -10.0],\n [  0.5,   2.0]]")
    #expect(try Tensor(scalar: Int64(7)).preview() == "7")
    #expect(try Tensor([] as [Float]).preview() == "[]")
    #expect(try Tensor(shape: [2, 0], [] as [Float]).preview() == "[] with shape [2, 0]")
  }

  @Test func separatesMatrices() throws {
    let t = try Tensor(shape: [2, 1, 2], [1, 2, 3, 4] as [Int32])
    #expect(t.preview() == "[[[1, 2]],\n\n [[3, 4]]]")
  }

  @Test func summarisesLargeOnes() throws {
    let t = try Tensor((0..<5000).map { Int32($0) })
    #expect(t.preview() == "[   0,    1,    2, ..., 4997, 4998, 4999]")
    let deep = try Tensor(
      TensorType(.uint8, [9, 9, 9, 9, 9])
    ) { (p) throws(EngineError) in
      for i in p.indices { p[i] = 1 }
    }
    #expect(deep.preview(maxElements: 100).filter { $0 == "1" }.count == 32)
    #expect(t.summary(maxElements: 2) == "[0, 1, ...]")
    #expect(
      t.preview(maxElements: 10_000, width: 40).split(separator: "\n").allSatisfy { $0.count <= 41 }
    )
  }

  @Test func everyDType() throws {
    #expect(try packed(.int4, [3], [0xF7, 0x08]).summary() == "[7, -1, -8]")
    #expect(try packed(.uint4, [3], [0xF7, 0x08]).summary() == "[7, 15, 8]")
    #expect(try packed(.int2, [4], [0b11_10_01_00]).summary() == "[0, 1, -2, -1]")
    #expect(try packed(.uint2, [4], [0b11_10_01_00]).summary() == "[0, 1, 2, 3]")
    #expect(
      try packed(.float4e2m1, [6], [0x10, 0x32, 0xF7]).summary()
        == "[0.0, 0.5, 1.0, 1.5, 6.0, -6.0]")
    #expect(
      try packed(.float8e4m3fn, [5], [0x38, 0x7E, 0x01, 0xFF, 0x80]).summary()
        == "[1.0, 448.0, 0.001953125, nan, -0.0]")
    #expect(try packed(.float8e4m3fnuz, [3], [0x40, 0x7F, 0x80]).summary() == "[1.0, 240.0, nan]")
    #expect(
      try packed(.float8e5m2, [5], [0x3C, 0x7B, 0x7C, 0xFC, 0x7F]).summary()
        == "[1.0, 57344.0, inf, -inf, nan]")
    #expect(
      try packed(.float8e5m2fnuz, [3], [0x40, 0x7F, 0x80]).summary() == "[1.0, 57344.0, nan]")
    #expect(try packed(.float8e8m0, [3], [0x7F, 0x80, 0xFF]).summary() == "[1.0, 2.0, nan]")
    #expect(try Tensor([BFloat16(1.5), BFloat16(-0.25)]).summary() == "[1.5, -0.25]")
    #expect(try Tensor([-Float.nan, -.infinity]).summary() == "[nan, -inf]")
    #expect(try Tensor([true, false]).summary() == "[true, false]")
    let complex = try Tensor([1, -2, 0.5, 3] as [Float])
    let bytes = Array(complex.rawBytes)
    #expect(try packed(.complex64, [2], bytes).summary() == "[(1.0-2.0j), (0.5+3.0j)]")
    let texts = try Tensor(shape: [2], strings: ["a\"b\n", "\u{1B}[31m\u{202E}"])
    #expect(texts.summary() == "[\"a\\\"b\\n\", \"\\u{1b}[31m\\u{202e}\"]")
    for dtype in DType.allCases where dtype != .string {
      let zeros = [UInt8](repeating: 0, count: dtype.byteCount(of: 3))
      #expect(try packed(dtype, [3], zeros).preview().count > 6)
    }
  }
}
