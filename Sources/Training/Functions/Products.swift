import Graphs
import Operators
import Tensors

extension Tensor {
  /// The matrix product over the last two axes: `[..., M, K]` by `[..., K, N]`; one axis counts as
  /// a vector, axes before the last two broadcast.
  public func matmul(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(MatMul(), self, other, file, line) }

  /// The sum of products of two tensors of one shape.
  public func dot(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Mul(), self, other, file, line).sum(file: file, line: line)
  }

  /// The products of each element with each: `[M]` and `[N]` to `[M, N]`.
  public func outer(
    _ other: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try reshape([-1, 1], file: file, line: line)
      * other.reshape(
        [1, -1], file: file, line: line)
  }

  /// `x W + b`: `[..., in]` by `[in, out]`, or by `[out, in]` where `transposed`.
  public func linear(
    _ weight: Tensor, _ bias: Tensor? = nil, transposed: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    if shape.rank == 2, let bias, bias.shape.rank == 1 {
      return try apply(Gemm(transB: transposed), self, weight, bias, file, line)
    }
    let factor = transposed ? try weight.transpose(file: file, line: line) : weight
    let product = try matmul(factor, file: file, line: line)
    guard let bias else { return product }
    return try apply(Add(), product, bias, file, line)
  }

  /// The determinant of the last two axes.
  public func determinant(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Det(), self, file, line) }

  /// The sum of the diagonal of the last two axes.
  public func trace(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try diagonal(file: file, line: line).sum(axes: [-1], file: file, line: line)
  }

  /// The diagonal of the last two axes.
  public func diagonal(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let n = Swift.min(shape[shape.rank - 2], shape[shape.rank - 1])
    let flat = try reshape(
      Array(shape.array.dropLast(2)) + [shape[shape.rank - 2] * shape[shape.rank - 1]], file: file,
      line: line)
    let places = try ints((0..<n).map { $0 * (shape[shape.rank - 1] + 1) })
    return try flat.gather(places, axis: -1, file: file, line: line)
  }

  /// The root of the sum of squares over `axes`, or over all.
  public func norm(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try l2Norm(axes: axes, keepDims: keepDims, file: file, line: line)
  }
}
