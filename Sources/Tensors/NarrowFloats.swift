/// A floating-point format of at most 8 bits, and exact conversion between its codes and `Float`.
///
/// | dtype | exponent, fraction bits | bias | largest | infinity | NaN |
/// |---|---|---|---|---|---|
/// | float8e4m3fn | 4, 3 | 7 | 448 | none | S.1111.111 |
/// | float8e4m3fnuz | 4, 3 | 8 | 240 | none | 0x80 |
/// | float8e5m2 | 5, 2 | 15 | 57344 | S.11111.00 | S.11111.other |
/// | float8e5m2fnuz | 5, 2 | 16 | 57344 | none | 0x80 |
/// | float6e2m3 | 2, 3 | 1 | 7.5 | none | none |
/// | float6e3m2 | 3, 2 | 3 | 28 | none | none |
/// | float4e2m1 | 2, 1 | 1 | 6 | none | none |
/// | float8e8m0 | 8, 0, no sign | 127 | 2^127 | none | 0xFF |
///
/// Source: ONNX Cast 25; the OCP formats for microscaling 1.0.
public struct NarrowFloat: Sendable, Hashable {
  /// How float8e8m0 rounds: to the power of two above, below, or nearest with ties up.
  public enum Rounding: String, Sendable, CaseIterable { case up, down, nearest }

  public let dtype: DType
  let fractionBits: UInt32
  let bias: Int
  /// The largest finite number without its sign.
  let largest: UInt8
  /// What a number over the largest becomes when it is not brought down to it; without its sign.
  let overflow: UInt8
  let nan: UInt8
  let signBit: UInt8
  /// Whether the code of -0 means NaN, so that there is no -0 and only one NaN.
  let isUnsignedZero: Bool

  /// Nil for a dtype that is not a float of at most 8 bits.
  public init?(_ dtype: DType) {
    self.dtype = dtype
    switch dtype {
    case .float8e4m3fn:
      (fractionBits, bias, largest, overflow, nan) = (3, 7, 0x7E, 0x7F, 0x7F)
      (signBit, isUnsignedZero) = (0x80, false)
    case .float8e4m3fnuz:
      (fractionBits, bias, largest, overflow, nan) = (3, 8, 0x7F, 0x80, 0x80)
      (signBit, isUnsignedZero) = (0x80, true)
    case .float8e5m2:
      (fractionBits, bias, largest, overflow, nan) = (2, 15, 0x7B, 0x7C, 0x7E)
      (signBit, isUnsignedZero) = (0x80, false)
    case .float8e5m2fnuz:
      (fractionBits, bias, largest, overflow, nan) = (2, 16, 0x7F, 0x80, 0x80)
      (signBit, isUnsignedZero) = (0x80, true)
    case .float4e2m1:
      // NaN has no code; negative zero stands for it, as in ml_dtypes.
      (fractionBits, bias, largest, overflow, nan) = (1, 1, 0x07, 0x07, 0x08)
      (signBit, isUnsignedZero) = (0x08, false)
    case .float6e2m3:
      (fractionBits, bias, largest, overflow, nan) = (3, 1, 0x1F, 0x1F, 0x20)
      (signBit, isUnsignedZero) = (0x20, false)
    case .float6e3m2:
      (fractionBits, bias, largest, overflow, nan) = (2, 3, 0x1F, 0x1F, 0x20)
      (signBit, isUnsignedZero) = (0x20, false)
    case .float8e8m0:
      (fractionBits, bias, largest, overflow, nan) = (0, 127, 0xFE, 0xFF, 0xFF)
      (signBit, isUnsignedZero) = (0, true)
    default: return nil
    }
  }

  /// The number that `code` means; every one is a `Float`.
  public func decode(_ code: UInt8) -> Float {
    if dtype == .float8e8m0 {
      // 2^-127 is subnormal in Float.
      return code == 0xFF
        ? .nan : code == 0 ? Float(bitPattern: 0x40_0000) : Float(bitPattern: UInt32(code) << 23)
    }
    if isUnsignedZero && code == nan { return .nan }
    // Bits above the sign of a 4- or 6-bit float do not count.
    let magnitude = code & (signBit &- 1)
    let isNegative = code & signBit != 0
    if magnitude > largest {
      if dtype == .float8e5m2 && magnitude == overflow {
        return isNegative ? -.infinity : .infinity
      }
      return isNegative ? -Float.nan : .nan
    }
    let fraction = Float(UInt32(magnitude) & (1 << fractionBits &- 1))
    let exponent = Int(magnitude) >> Int(fractionBits)
    let unit = Float(
      sign: .plus, exponent: max(exponent, 1) - bias - Int(fractionBits), significand: 1)
    let whole = exponent == 0 ? fraction : fraction + Float(UInt32(1) << fractionBits)
    return isNegative ? -(whole * unit) : whole * unit
  }

  /// The code of the number nearest to `value`, ties to even. Numbers that round beyond the
  /// largest, and infinities, become the largest where `saturate`, and otherwise infinity, or NaN
  /// where the format has no infinity; 4- and 6-bit floats always saturate.
  ///
  /// For float8e8m0, `rounding` decides and the sign is dropped.
  public func encode(
    _ value: Float, saturate: Bool = true, rounding: Rounding = .up
  ) -> UInt8 {
    if dtype == .float8e8m0 { return encodePower(value, saturate, rounding) }
    let bits = value.bitPattern
    let sign = bits >> 31 != 0 ? signBit : 0
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 {
      return isUnsignedZero || nan == signBit ? nan : nan | sign
    }
    var code: UInt32
    let least = UInt32(128 - bias) << 23
    if magnitude < least {
      // Below the smallest normal number codes count units; the product is exact.
      let scale = Float(sign: .plus, exponent: bias - 1 + Int(fractionBits), significand: 1)
      code = UInt32((Float(bitPattern: magnitude) * scale).rounded(.toNearestOrEven))
    } else {
      let shift = 23 - fractionBits
      let half = (UInt32(1) << (shift - 1)) - 1 + (magnitude >> shift & 1)
      code = (magnitude + half) >> shift
      code -= UInt32(127 - bias) << fractionBits
    }
    if code > UInt32(largest) {
      if saturate { return largest | sign }
      return isUnsignedZero ? nan : overflow | sign
    }
    if code == 0 && isUnsignedZero { return 0 }
    return UInt8(truncatingIfNeeded: code) | sign
  }

  /// Powers of two from 2^-127 to 2^127.
  private func encodePower(_ value: Float, _ saturate: Bool, _ rounding: Rounding) -> UInt8 {
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return nan }
    if magnitude == 0x7F80_0000 { return saturate ? largest : nan }
    let smallest: UInt32 = 0x40_0000
    if magnitude < smallest { return saturate ? 0 : nan }
    var exponent = magnitude >> 23
    if exponent == 0 {
      // Between 2^-127 and 2^-126.
      let rest = magnitude - smallest
      if rounding == .up ? rest > 0 : rounding == .nearest && rest >= 0x20_0000 { exponent = 1 }
    } else {
      let rest = magnitude & 0x7F_FFFF
      if rounding == .up ? rest > 0 : rounding == .nearest && rest >= 0x40_0000 { exponent += 1 }
    }
    if exponent > UInt32(largest) { return saturate ? largest : nan }
    return UInt8(truncatingIfNeeded: exponent)
  }
}
