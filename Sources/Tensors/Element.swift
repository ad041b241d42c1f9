/// A Swift type whose values lie in a tensor's memory as they are.
public protocol Element: BitwiseCopyable, Sendable, Equatable {
  static var dtype: DType { get }
}

extension Float: Element { public static var dtype: DType { .float32 } }
extension Double: Element { public static var dtype: DType { .float64 } }
extension Float16: Element { public static var dtype: DType { .float16 } }
extension Int8: Element { public static var dtype: DType { .int8 } }
extension Int16: Element { public static var dtype: DType { .int16 } }
extension Int32: Element { public static var dtype: DType { .int32 } }
extension Int64: Element { public static var dtype: DType { .int64 } }
extension UInt8: Element { public static var dtype: DType { .uint8 } }
extension UInt16: Element { public static var dtype: DType { .uint16 } }
extension UInt32: Element { public static var dtype: DType { .uint32 } }
extension UInt64: Element { public static var dtype: DType { .uint64 } }
extension Bool: Element { public static var dtype: DType { .bool } }

/// The upper half of a `Float`: 8 exponent and 7 fraction bits.
@frozen public struct BFloat16: Element {
  public var bitPattern: UInt16
  public static var dtype: DType { .bfloat16 }
  @inlinable public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// Rounds to nearest, ties to even; NaN stays NaN.
  @inlinable public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
    } else {
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
  }

  @inlinable public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }
}
