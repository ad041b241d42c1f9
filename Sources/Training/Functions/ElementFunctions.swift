import Operators
import Tensors

extension Tensor {
  /// `-x`, element by element. The shape stays.
  public func negated(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Neg(), self, file, line) }

  /// The magnitude of each element; the gradient is the sign, 0 at 0. The shape stays.
  public func absolute(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Abs(), self, file, line) }

  /// -1, 0 or 1 for each element. No gradient. The shape stays.
  public func sign(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Sign(), self, file, line) }

  /// The square root of each element; NaN below 0. The shape stays.
  public func squareRoot(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Sqrt(), self, file, line) }

  /// `1 / x`, element by element. The shape stays.
  public func reciprocal(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Reciprocal(), self, file, line) }

  /// `e^x`, element by element. The shape stays.
  public func exp(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Exp(), self, file, line) }

  /// The natural logarithm of each element. The shape stays.
  public func log(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Log(), self, file, line) }

  /// The error function of each element. The shape stays.
  public func erf(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Erf(), self, file, line) }

  /// The greatest integer not above each element. No gradient. The shape stays.
  public func floor(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Floor(), self, file, line) }

  /// The smallest integer not below each element. No gradient. The shape stays.
  public func ceil(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Ceil(), self, file, line) }

  /// The nearest integer, ties to even. No gradient. The shape stays.
  public func rounded(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Round(), self, file, line) }

  /// The sine of each element, in radians. The shape stays.
  public func sin(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Sin(), self, file, line) }

  /// The cosine of each element, in radians. The shape stays.
  public func cos(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Cos(), self, file, line) }

  /// The tangent of each element, in radians. The shape stays.
  public func tan(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Tan(), self, file, line) }

  /// The arc sine of each element. The shape stays.
  public func asin(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Asin(), self, file, line) }

  /// The arc cosine of each element. The shape stays.
  public func acos(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Acos(), self, file, line) }

  /// The arc tangent of each element. The shape stays.
  public func atan(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Atan(), self, file, line) }

  /// The hyperbolic sine of each element. The shape stays.
  public func sinh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Sinh(), self, file, line) }

  /// The hyperbolic cosine of each element. The shape stays.
  public func cosh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Cosh(), self, file, line) }

  /// The hyperbolic tangent of each element. The shape stays.
  public func tanh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Tanh(), self, file, line) }

  /// The inverse hyperbolic sine of each element. The shape stays.
  public func asinh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Asinh(), self, file, line) }

  /// The inverse hyperbolic cosine of each element. The shape stays.
  public func acosh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Acosh(), self, file, line) }

  /// The inverse hyperbolic tangent of each element. The shape stays.
  public func atanh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Atanh(), self, file, line) }

  /// Whether each element is NaN: bool. The shape stays.
  public func isNaN(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(IsNaN(), self, file, line) }

  /// Whether each element is an infinity: bool. The shape stays.
  public func isInfinite(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(IsInf(), self, file, line) }

  /// The negation of each bool. The shape stays.
  public func logicalNot(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Not(), self, file, line) }

  /// Each integer with its bits turned. The shape stays.
  public func bitwiseNot(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(BitwiseNot(), self, file, line) }
}
