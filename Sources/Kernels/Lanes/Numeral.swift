import Glibc
import Tensors

/// An element type with total arithmetic: integers wrap, floats follow IEEE 754.
public protocol Numeral: Element, Comparable {
  static var zeroValue: Self { get }
  static var oneValue: Self { get }
  /// -inf, or the least integer.
  static var lowest: Self { get }
  /// +inf, or the greatest integer.
  static var highest: Self { get }
  static func plus(_ a: Self, _ b: Self) -> Self
  static func times(_ a: Self, _ b: Self) -> Self
  /// The magnitude; the least signed integer stays as it is.
  var absolute: Self { get }
  var isNotANumber: Bool { get }
  var double: Double { get }
  /// The nearest value towards zero; integers saturate, and NaN becomes 0.
  init(truncating value: Double)
}

extension Numeral where Self: FixedWidthInteger {
  @inlinable public static var zeroValue: Self { 0 }
  @inlinable public static var oneValue: Self { 1 }
  @inlinable public static var lowest: Self { .min }
  @inlinable public static var highest: Self { .max }
  @inlinable public static func plus(_ a: Self, _ b: Self) -> Self { a &+ b }
  @inlinable public static func times(_ a: Self, _ b: Self) -> Self { a &* b }
  @inlinable public var absolute: Self { self < 0 ? 0 &- self : self }
  @inlinable public var isNotANumber: Bool { false }
  @inlinable public var double: Double { Double(self) }
  @inlinable public init(truncating value: Double) {
    if value.isNaN {
      self = 0
    } else {
      // The greatest integer may round up to a double outside the range.
      let t = value.rounded(.towardZero)
      self = t <= Double(Self.min) ? .min : t >= Double(Self.max) ? .max : Self(t)
    }
  }
}

extension Int8: Numeral {}
extension Int16: Numeral {}
extension Int32: Numeral {}
extension Int64: Numeral {}
extension UInt8: Numeral {}
extension UInt16: Numeral {}
extension UInt32: Numeral {}
extension UInt64: Numeral {}

extension Numeral where Self: BinaryFloatingPoint {
  @inlinable public static var zeroValue: Self { 0 }
  @inlinable public static var oneValue: Self { 1 }
  @inlinable public static var lowest: Self { -.infinity }
  @inlinable public static var highest: Self { .infinity }
  @inlinable public static func plus(_ a: Self, _ b: Self) -> Self { a + b }
  @inlinable public static func times(_ a: Self, _ b: Self) -> Self { a * b }
  @inlinable public var absolute: Self { magnitude }
  @inlinable public var isNotANumber: Bool { isNaN }
  @inlinable public var double: Double { Double(self) }
  @inlinable public init(truncating value: Double) { self.init(value) }
}

extension Float: Numeral {}
extension Double: Numeral {}

/// A float type with the functions that kernels need.
public protocol Real: Numeral, BinaryFloatingPoint {
  static func exponential(_ x: Self) -> Self
  static func logarithm(_ x: Self) -> Self
  static func hyperbolicTangent(_ x: Self) -> Self
  static func power(_ x: Self, _ y: Self) -> Self
}

extension Float: Real {
  @inlinable public static func exponential(_ x: Float) -> Float { Glibc.expf(x) }
  @inlinable public static func logarithm(_ x: Float) -> Float { Glibc.logf(x) }
  @inlinable public static func hyperbolicTangent(_ x: Float) -> Float { Glibc.tanhf(x) }
  @inlinable public static func power(_ x: Float, _ y: Float) -> Float { Glibc.powf(x, y) }
}
extension Double: Real {
  @inlinable public static func exponential(_ x: Double) -> Double { Glibc.exp(x) }
  @inlinable public static func logarithm(_ x: Double) -> Double { Glibc.log(x) }
  @inlinable public static func hyperbolicTangent(_ x: Double) -> Double { Glibc.tanh(x) }
  @inlinable public static func power(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
}

/// Work that is written once for every numeral type.
public protocol NumeralVisitor {
  func visit<T: Numeral>(_: T.Type)
}

/// Whether `visitNumeral` knows `dtype`.
public func isNumeral(_ dtype: DType) -> Bool {
  switch dtype {
  case .float32, .float64, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
  default: false
  }
}

/// Calls `visitor` with the Swift type of `dtype`, which must be one of 8 to 64 bits, no half.
@inlinable public func visitNumeral<V: NumeralVisitor>(_ dtype: DType, _ visitor: V) {
  switch dtype {
  case .float32: visitor.visit(Float.self)
  case .float64: visitor.visit(Double.self)
  case .int8: visitor.visit(Int8.self)
  case .int16: visitor.visit(Int16.self)
  case .int32: visitor.visit(Int32.self)
  case .int64: visitor.visit(Int64.self)
  case .uint8: visitor.visit(UInt8.self)
  case .uint16: visitor.visit(UInt16.self)
  case .uint32: visitor.visit(UInt32.self)
  case .uint64: visitor.visit(UInt64.self)
  default: preconditionFailure("\(dtype) is no numeral")
  }
}
