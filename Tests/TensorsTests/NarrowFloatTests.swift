import Tensors
import Testing

/// Against ml_dtypes 0.6.0 and onnx 1.23.2: FNV-1a sums over the results of their conversions.
@Suite struct NarrowFloatTests {
  /// Every upper half of a float32 with lower halves on, beside and between ties; no NaN.
  static let floats: [Float] = {
    var all: [Float] = []
    for high: UInt32 in 0..<65536 {
      for low: UInt32 in [0, 1, 0x7FFF, 0x8000, 0x8001] {
        let x = Float(bitPattern: high << 16 | low)
        if !x.isNaN { all.append(x) }
      }
    }
    return all
  }()

  private func sum(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var h: UInt64 = 14_695_981_039_346_656_037
    for b in bytes { h = (h ^ UInt64(b)) &* 1_099_511_628_211 }
    return h
  }

  static let decoded: [(DType, UInt64)] = [
    (.float8e4m3fn, 0xDAD1_D9C5_0F74_9CA5), (.float8e4m3fnuz, 0xF518_51CB_11C6_3018),
    (.float8e5m2, 0x6C1E_56B6_FB09_C905), (.float8e5m2fnuz, 0x94AE_6FC4_93D4_9818),
    (.float8e8m0, 0x6D2C_8B41_C3F0_E5A5), (.float4e2m1, 0x2403_BB76_B85D_FEA5),
  ]

  @Test(arguments: decoded) func decodesEveryCode(_ dtype: DType, _ want: UInt64) throws {
    let format = try #require(NarrowFloat(dtype))
    var bytes: [UInt8] = []
    for code in 0..<(1 << dtype.bits) {
      let x = format.decode(UInt8(code))
      let bits: UInt32 = x.isNaN ? 0x7FC0_0000 : x.bitPattern
      for k in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(8 * k))) }
    }
    #expect(sum(bytes) == want)
  }

  /// What ml_dtypes 0.5 makes of the same numbers.
  @Test func sixBits() throws {
    let numbers: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 7.6, -100, 0.06, 0.0624, 0.0626]
    let a = try #require(NarrowFloat(.float6e2m3)), b = try #require(NarrowFloat(.float6e3m2))
    #expect(numbers.map { a.encode($0) } == [32, 31, 63, 0, 32, 31, 63, 0, 0, 1])
    #expect(numbers.map { b.encode($0, saturate: false) } == [32, 31, 63, 0, 32, 24, 63, 1, 1, 1])
    #expect([1, 8, 31, 40].map { a.decode($0) } == [0.125, 1, 7.5, -1])
    #expect([1, 8, 31, 40].map { b.decode($0) } == [0.0625, 0.5, 28, -0.5])
    for code in UInt8(0)..<64 {
      #expect(a.encode(a.decode(code)) == code && b.encode(b.decode(code)) == code)
    }
  }

  static let encoded: [(DType, UInt64, UInt64)] = [
    (.float8e4m3fn, 0x8CE6_C448_D25C_F493, 0x1601_B727_E1E1_03B3),
    (.float8e4m3fnuz, 0x8ADF_546D_821F_F133, 0xA81B_A37C_E734_ADED),
    (.float8e5m2, 0x99AC_2C6B_4F4B_DF13, 0xC8D9_1E79_35C4_F925),
    (.float8e5m2fnuz, 0x0EDE_6E60_2BBA_44C3, 0xAE0B_6365_E45B_246D),
    (.float4e2m1, 0xA49A_0368_1C60_088B, 0xA49A_0368_1C60_088B),
  ]

  @Test(arguments: encoded)
  func encodes(_ dtype: DType, _ saturated: UInt64, _ open: UInt64) throws {
    let format = try #require(NarrowFloat(dtype))
    #expect(Self.floats.count == 326_402)
    #expect(sum(Self.floats.map { format.encode($0, saturate: true) }) == saturated)
    #expect(sum(Self.floats.map { format.encode($0, saturate: false) }) == open)
  }

  static let powers: [(NarrowFloat.Rounding, UInt64)] = [
    (.up, 0xECBF_1AEB_7EB0_5BDA), (.down, 0x60B9_E5AC_7D8C_4DA5), (.nearest, 0x0491_F589_0326_4065),
  ]

  @Test(arguments: powers)
  func encodesPowersOfTwo(_ rounding: NarrowFloat.Rounding, _ want: UInt64) throws {
    let format = try #require(NarrowFloat(.float8e8m0))
    let normal = Self.floats.filter { $0 >= 0x1p-126 && $0.isFinite }
    #expect(normal.count == 162_560)
    #expect(sum(normal.map { format.encode($0, rounding: rounding) }) == want)
  }

  /// The table of ONNX Cast 25 for values that float8e8m0 does not hold.
  @Test func powersOfTwoAtTheEdges() throws {
    let format = try #require(NarrowFloat(.float8e8m0))
    #expect(format.encode(0) == 0)
    #expect(format.encode(.nan) == 0xFF)
    #expect(format.encode(.infinity) == 0xFE)
    #expect(format.encode(.greatestFiniteMagnitude) == 0xFE)
    #expect(format.encode(.leastNonzeroMagnitude) == 0)
    #expect(format.encode(0x1p-127) == 0)
    #expect(format.encode(0x1.8p-127) == 1)
    for x: Float in [0, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .nan] {
      #expect(format.encode(x, saturate: false, rounding: .nearest) == 0xFF)
    }
  }

  @Test func specialValues() throws {
    let fn = try #require(NarrowFloat(.float8e4m3fn))
    #expect(fn.encode(.nan) == 0x7F && fn.encode(-Float.nan) == 0xFF)
    #expect(fn.encode(.infinity) == 0x7E && fn.encode(.infinity, saturate: false) == 0x7F)
    #expect(fn.encode(-0.0) == 0x80)
    let e5 = try #require(NarrowFloat(.float8e5m2))
    #expect(e5.encode(.infinity, saturate: false) == 0x7C && e5.encode(-.infinity) == 0xFB)
    #expect(e5.decode(0x7C) == .infinity && e5.decode(0xFD).isNaN)
    let fnuz = try #require(NarrowFloat(.float8e4m3fnuz))
    #expect(fnuz.encode(-0.0) == 0 && fnuz.encode(-Float.nan) == 0x80)
    #expect(fnuz.encode(.infinity, saturate: false) == 0x80)
    #expect(NarrowFloat(.float16) == nil)
  }

  /// Every code comes back from the number it means.
  @Test(arguments: decoded) func codesSurvive(_ dtype: DType, _: UInt64) throws {
    let format = try #require(NarrowFloat(dtype))
    for code in 0..<(1 << dtype.bits) {
      let x = format.decode(UInt8(code))
      if x.isNaN { continue }
      #expect(format.encode(x, saturate: false, rounding: .nearest) == UInt8(code))
    }
  }
}
