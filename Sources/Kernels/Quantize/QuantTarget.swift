import Tensors

/// Writes numbers as elements of a dtype that tensors are quantised to, brought into its range.
public struct QuantTarget: Sendable {
  public let dtype: DType
  /// The least and the greatest number, of an integer type.
  public let range: (low: Int32, high: Int32)
  let float: NarrowFloat?
  private let saturates: Bool
  private let packed: PackedElements?

  /// Nil for dtypes that nothing is quantised to.
  public init?(_ dtype: DType, saturates: Bool = true) {
    self.dtype = dtype
    self.saturates = saturates
    float = NarrowFloat(dtype)
    packed = PackedElements(dtype)
    switch dtype {
    case .int8: range = (-128, 127)
    case .uint8: range = (0, 255)
    case .int16: range = (-32768, 32767)
    case .uint16: range = (0, 65535)
    case .int4: range = (-8, 7)
    case .uint4: range = (0, 15)
    case .int2: range = (-2, 1)
    case .uint2: range = (0, 3)
    default:
      guard float != nil, dtype != .float8e8m0 else { return nil }
      range = (0, 0)
    }
  }

  /// Whether elements share bytes, so that neighbours cannot be written by different threads.
  public var isPacked: Bool { packed != nil }

  /// `value` rounded to nearest even, plus `zero`, as element `i`. NaN becomes the least integer.
  /// An absent zero point is -0, which changes nothing. Packed elements are or-ed into bytes that
  /// were zero.
  func write(_ value: Double, zero: Double, _ y: UnsafeMutableRawPointer, _ i: Int) {
    if let float {
      // An 8-bit float keeps its -0, as in ONNX's reference.
      let shift = zero == 0 && packed == nil ? -0.0 : zero
      let code = float.encode(Float(value + shift), saturate: saturates)
      return store(code, y, i)
    }
    let (low, high) = (Double(range.low) - zero, Double(range.high) - zero)
    let rounded = value.rounded(.toNearestOrEven)
    let clamped = rounded > low ? (rounded < high ? rounded : high) : low
    let n = Int32(clamped + zero)
    switch dtype {
    case .int16, .uint16:
      y.storeBytes(of: UInt16(truncatingIfNeeded: n), toByteOffset: i &* 2, as: UInt16.self)
    default: store(UInt8(truncatingIfNeeded: n), y, i)
    }
  }

  private func store(_ code: UInt8, _ y: UnsafeMutableRawPointer, _ i: Int) {
    guard let packed else { return y.storeBytes(of: code, toByteOffset: i, as: UInt8.self) }
    packed.add(code, y, i)
  }
}

/// Rounds to nearest even, for magnitudes below 2^22: the sum has no room for a fraction.
@inline(__always) func nearestInteger(_ v: Float) -> Int32 {
  let magic: Float = 12_582_912
  return Int32(bitPattern: (v + magic).bitPattern) &- Int32(bitPattern: magic.bitPattern)
}
