import Tensors

/// The dtype of an operation on two dtypes.
///
/// Source: keras `backend/common/dtypes.py`, which follows JAX's lattice.
enum Promotion {
  static func common(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    if a.isFloat || b.isFloat {
      guard a.isFloat, b.isFloat else { return a.isFloat ? a : b }
      if a.bits == b.bits { return .float32 }
      return a.bits > b.bits ? a : b
    }
    if a == .bool { return b }
    if b == .bool { return a }
    guard a.isInteger, b.isInteger else { return a }
    if a.isSignedInteger == b.isSignedInteger { return a.bits > b.bits ? a : b }
    let (signed, unsigned) = a.isSignedInteger ? (a, b) : (b, a)
    if signed.bits > unsigned.bits { return signed }
    switch unsigned.bits {
    case 8: return .int16
    case 16: return .int32
    case 32: return .int64
    default: return .float32
    }
  }
}
