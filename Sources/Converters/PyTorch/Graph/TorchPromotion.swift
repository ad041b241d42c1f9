import Tensors

/// The element type in which PyTorch computes on operands of several types.
///
/// Operands fall into three classes: tensors with axes, tensors without, and Python numbers. A
/// lower class decides only where its category (bool, integer, float, complex) is above that of the
/// higher ones. Source: `c10/core/ScalarType.h` and `at::native::result_type` of torch 2.13.
struct TorchPromotion {
  private var dimensioned: DType?
  private var scalar: DType?
  private var number: DType?

  /// - `rank`: nil where unknown, which counts as having axes.
  mutating func add(_ dtype: DType, rank: Int?) {
    if rank == 0 {
      scalar = scalar.map { Self.promoted($0, dtype) } ?? dtype
    } else {
      dimensioned = dimensioned.map { Self.promoted($0, dtype) } ?? dtype
    }
  }
  mutating func add(number dtype: DType) {
    number = number.map { Self.promoted($0, dtype) } ?? dtype
  }

  var result: DType {
    Self.combined(Self.combined(dimensioned, scalar), number) ?? .float32
  }

  private static func combined(_ higher: DType?, _ lower: DType?) -> DType? {
    guard let higher else { return lower }
    guard let lower else { return higher }
    if isComplex(higher) { return higher }
    if higher.isFloat { return isComplex(lower) ? promoted(higher, lower) : higher }
    if higher == .bool || lower.isFloat || isComplex(lower) { return promoted(higher, lower) }
    return higher
  }

  static func isComplex(_ dtype: DType) -> Bool { dtype == .complex64 || dtype == .complex128 }

  /// The smallest type of PyTorch's lattice that holds both.
  static func promoted(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    if isComplex(a) || isComplex(b) {
      let isWide = [a, b].contains { $0 == .complex128 || $0 == .float64 }
      return isWide ? .complex128 : .complex64
    }
    if a.isFloat || b.isFloat {
      guard a.isFloat, b.isFloat else { return a.isFloat ? a : b }
      if a == .float64 || b == .float64 { return .float64 }
      // Two halves of different kinds meet in float32.
      return .float32
    }
    if a == .bool { return b }
    if b == .bool { return a }
    if a.isSignedInteger == b.isSignedInteger { return a.bits >= b.bits ? a : b }
    let (signed, unsigned) = a.isSignedInteger ? (a, b) : (b, a)
    if signed.bits > unsigned.bits { return signed }
    switch unsigned.bits {
    case 8: return .int16
    case 16: return .int32
    default: return .int64
    }
  }
}
