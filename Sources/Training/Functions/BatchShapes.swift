import Graphs
import Operators
import Tensors

// Functions whose sizes follow a tensor's own, so that a captured graph fits batches of any size.

extension Tensor {
  /// The same elements under sizes of which 0 copies the size of the same axis and -1 is found out.
  public func reshape(
    copying sizes: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Reshape(allowZero: false), self, ints(sizes), file, line)
  }

  /// `value` in a shape that has the first axis of this tensor, and `sizes` behind it.
  ///
  /// Errors: `.dtype` for a value that is no element of `dtype`.
  public func filledBatch(
    _ sizes: [Int], _ value: Double = 0, dtype: DType? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let fill = try constant(value, dtype ?? self.dtype).reshape([1])
    let first = try apply(ShapeOp(start: 0, end: 1), self, file, line)
    let shape = try concat([first, ints(sizes)], file: file, line: line)
    return try apply(ConstantOfShape(fill), shape, file, line).detached()
  }

  /// `value` in this tensor's shape.
  public func filledLike(
    _ value: Double, dtype: DType? = nil, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let fill = try constant(value, dtype ?? self.dtype).reshape([1])
    return try apply(ConstantOfShape(fill), apply(ShapeOp(), self, file, line), file, line)
      .detached()
  }

  /// Broadcast to the shape of `other`.
  public func broadcast(
    like other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Expand(), self, apply(ShapeOp(), other.detached(), file, line), file, line)
  }

  /// Channels `[N, C, ...]` normalised by their moments, and the running moments after that.
  ///
  /// - `scale`, `bias`, `mean`, `variance`: `[C]`. In training the batch's own moments are used,
  ///   and running ones become `momentum old + (1 - momentum) new`, with the population variance.
  /// - Errors: `.shape`. - Source: ONNX BatchNormalization 15.
  public func batchNorm(
    _ scale: Tensor, _ bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Float = 1e-5,
    momentum: Float = 0.9, training: Bool = isTraining, file: StaticString = #fileID,
    line: UInt = #line
  ) throws(EngineError) -> (output: Tensor, mean: Tensor, variance: Tensor) {
    let op = BatchNormalization(epsilon: epsilon, momentum: momentum, isTraining: training)
    let inputs = [self, scale, bias, mean, variance]
    let results = try apply(op, inputs, outputs: training ? 3 : 1, file, line)
    return training
      ? (results[0], results[1].detached(), results[2].detached()) : (results[0], mean, variance)
  }

  /// Resized by factors along all axes; half-pixel coordinates.
  public func resized(
    by factors: [Float], linear: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let op = Resize(mode: linear ? .linear : .nearest)
    return try apply(op, [self, nil, Tensor(factors)], outputs: 1, file, line)[0]
  }
}
