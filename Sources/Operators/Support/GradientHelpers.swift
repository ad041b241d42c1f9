import Graphs
import Tensors

// What gradient rules share. Each works on symbolic sizes as well: shapes are taken from values.

/// `value` under the shape of `like`.
@inlinable func reshape<B: Builder>(
  _ b: B, _ value: B.Value, like: B.Value
) throws(EngineError) -> B.Value {
  if let dims = b.fact(of: like).tensorType?.shape.array {
    return try b.apply(Reshape(), value, b.constant(Tensor(dims.map { Int64($0) })))
  }
  return try b.apply(Reshape(), value, b.constant(Tensor([-1] as [Int64])))
}
