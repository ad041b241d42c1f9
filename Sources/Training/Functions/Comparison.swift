import Operators
import Tensors

extension Tensor {
  /// Whether each element is equal: bool. Shapes broadcast.
  public func isEqual(
    to other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Equal(), self, other, file, line) }

  /// Whether each element is equal: bool. The shape stays.
  public func isEqual(
    to other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Equal(), self, constant(other, dtype), file, line) }

  /// Whether each element is greater: bool. Shapes broadcast.
  public func isGreater(
    than other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Greater(), self, other, file, line) }

  /// Whether each element is greater: bool. The shape stays.
  public func isGreater(
    than other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Greater(), self, constant(other, dtype), file, line) }

  /// Whether each element is less: bool. Shapes broadcast.
  public func isLess(
    than other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Less(), self, other, file, line) }

  /// Whether each element is less: bool. The shape stays.
  public func isLess(
    than other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Less(), self, constant(other, dtype), file, line) }

  /// Whether each element is greater or equal: bool. Shapes broadcast.
  public func isGreaterOrEqual(
    to other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(GreaterOrEqual(), self, other, file, line) }

  /// Whether each element is greater or equal: bool. The shape stays.
  public func isGreaterOrEqual(
    to other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(GreaterOrEqual(), self, constant(other, dtype), file, line)
  }

  /// Whether each element is less or equal: bool. Shapes broadcast.
  public func isLessOrEqual(
    to other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(LessOrEqual(), self, other, file, line) }

  /// Whether each element is less or equal: bool. The shape stays.
  public func isLessOrEqual(
    to other: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(LessOrEqual(), self, constant(other, dtype), file, line)
  }

  /// Whether each element is different: bool. Shapes broadcast.
  public func isNotEqual(
    to other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try isEqual(to: other, file: file, line: line).logicalNot(file: file, line: line)
  }

  /// Whether both bools are true. Shapes broadcast.
  public func logicalAnd(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(And(), self, other, file, line) }

  /// Whether either bool is true. Shapes broadcast.
  public func logicalOr(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Or(), self, other, file, line) }

  /// Whether one of two bools is true. Shapes broadcast.
  public func logicalXor(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Xor(), self, other, file, line) }

  /// Whether each element is a number and no infinity: bool. The shape stays.
  public func isFinite(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let bad = try isNaN(file: file, line: line).logicalOr(
      isInfinite(file: file, line: line), file: file, line: line)
    return try bad.logicalNot(file: file, line: line)
  }

  /// The elements as another element type. The gradient is cast back.
  public func cast(
    to dtype: DType, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    if dtype == self.dtype { return self }
    return try apply(Cast(to: dtype), self, file, line)
  }

  /// The elements, with `value` for NaN.
  public func nanToNum(
    _ value: Double = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try choose(
      isNaN(file: file, line: line), filled(like: self, value), self, file: file, line: line)
  }
}
