import Operators
import Tensors

extension Tensor {
  /// Each element raised to an exponent. Shapes broadcast.
  public func pow(
    _ exponent: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Pow(), self, exponent, file, line) }

  /// Each element raised to `exponent`. The shape stays.
  public func pow(
    _ exponent: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Pow(), self, constant(exponent, dtype), file, line) }

  /// The larger of two elements; the gradient of ties goes to both in parts. Shapes broadcast.
  public func maximum(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Max(), self, other, file, line) }

  /// The larger of each element and a number.
  public func maximum(
    _ other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Max(), self, constant(other, dtype), file, line) }

  /// The smaller of two elements. Shapes broadcast.
  public func minimum(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Min(), self, other, file, line) }

  /// The smaller of each element and a number.
  public func minimum(
    _ other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Min(), self, constant(other, dtype), file, line) }

  /// The remainder, with the sign of the divisor, or of the dividend where `likeC`. Shapes
  /// broadcast.
  public func modulo(
    _ divisor: Tensor, likeC: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Mod(fmod: likeC), self, divisor, file, line) }

  /// `x^2`, element by element.
  public func squared(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Mul(), self, self, file, line) }

  /// `1 / sqrt(x)`, element by element.
  public func rsqrt(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try squareRoot(file: file, line: line).reciprocal(file: file, line: line)
  }

  /// `2^x`, element by element.
  public func exp2(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try (self * 0.693147180559945309).exp(file: file, line: line) }

  /// The logarithm to base 2.
  public func log2(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try log(file: file, line: line) * 1.442695040888963407 }

  /// The logarithm to base 10.
  public func log10(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try log(file: file, line: line) * 0.434294481903251828 }

  /// `log(1 + x)`. Loses digits for `x` near 0, as the formula does.
  public func log1p(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try (self + 1).log(file: file, line: line) }

  /// `e^x - 1`, accurate near 0: computed as `2 e^(x/2) sinh(x/2)`.
  public func expm1(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let half = try self * 0.5
    return try half.exp(file: file, line: line) * half.sinh(file: file, line: line) * 2
  }

  /// `min(max(x, low), high)`; no gradient flows outside. The shape stays.
  public func clipped(
    _ low: Double, _ high: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      Clip(), self, constant(low, dtype), constant(high, dtype), file, line)
  }

  /// The bits that both integers have. Shapes broadcast.
  public func bitwiseAnd(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(BitwiseAnd(), self, other, file, line) }

  /// The bits that either integer has. Shapes broadcast.
  public func bitwiseOr(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(BitwiseOr(), self, other, file, line) }

  /// The bits that one of two integers has. Shapes broadcast.
  public func bitwiseXor(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(BitwiseXor(), self, other, file, line) }

  /// Unsigned integers shifted left. Shapes broadcast.
  public func shiftedLeft(
    by places: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(BitShift(isLeft: true), self, places, file, line) }

  /// Unsigned integers shifted right. Shapes broadcast.
  public func shiftedRight(
    by places: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(BitShift(isLeft: false), self, places, file, line) }

  /// Degrees as radians.
  public func radians(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try self * 0.0174532925199432958 }

  /// Radians as degrees.
  public func degrees(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try self * 57.2957795130823209 }

  /// `(x - y)^2`, element by element. Shapes broadcast.
  public func squaredDifference(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let d = try apply(Sub(), self, other, file, line)
    return try apply(Mul(), d, d, file, line)
  }

  /// `sqrt(x^2 + y^2)`, element by element. Shapes broadcast.
  public func hypot(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try (self * self + other * other).squareRoot(file: file, line: line)
  }

  /// `log(e^x + e^y)`, without overflow. Shapes broadcast.
  public func logAddExp(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let top = try maximum(other, file: file, line: line)
    let gap = try (self - other).absolute(file: file, line: line)
    return try top
      + gap.negated(file: file, line: line).exp(file: file, line: line).log1p(
        file: file, line: line)
  }

  /// `x + weight (y - x)`. Shapes broadcast.
  public func lerp(
    _ other: Tensor, _ weight: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try self + (other - self) * weight }

  /// `sin(pi x) / (pi x)`, 1 at 0.
  public func sinc(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let x = try self * 3.14159265358979324
    let isZero = try isEqual(to: 0, file: file, line: line)
    let safe = try choose(isZero, onesLike(), x, file: file, line: line)
    return try choose(
      isZero, onesLike(), safe.sin(file: file, line: line) / safe, file: file, line: line)
  }
}
