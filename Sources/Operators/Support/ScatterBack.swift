import Graphs
import Tensors

/// The gradient of input 0 of an operator that only moves elements: the upstream added up at the
/// places its elements came from. The operator itself moves the places to find them.
func scatterBack<B: Builder, Op: Operator>(
  _ b: B, _ op: Op, _ g: inout Backward<B.Value>
) throws(EngineError) {
  let x = try g.input(0)
  let (zero, one) = (
    try b.constant(Tensor(scalar: Int64(0))), try b.constant(Tensor(scalar: Int64(1)))
  )
  let places = try reshape(b, b.apply(RangeOp(), zero, b.apply(Size(), x), one), like: x)
  var inputs = g.inputs.array
  inputs[0] = places
  let flat = try b.constant(Tensor([-1] as [Int64]))
  let moved = try b.apply(Reshape(), b.apply(op, inputs: inputs), flat)
  let upstream = try b.apply(Reshape(), g.upstream(), flat)
  let sum = try b.apply(
    ScatterElements(reduction: .add), b.apply(Reshape(), zeros(b, like: x), flat), moved, upstream)
  g.give(0, try reshape(b, sum, like: x))
}

/// Zeros of a type.
func zeros<B: Builder>(_ b: B, _ type: TensorType) throws(EngineError) -> B.Value {
  try b.apply(
    ConstantOfShape(zero(type.dtype)), b.constant(Tensor(type.shape.array.map { Int64($0) })))
}

/// Zeros of the type of `value`.
func zeros<B: Builder>(_ b: B, like value: B.Value) throws(EngineError) -> B.Value {
  if let type = b.fact(of: value).tensorType { return try zeros(b, type) }
  guard let dtype = b.fact(of: value).dtype else {
    throw EngineError(.dtype, "the element type of a gradient is not known")
  }
  return try b.apply(ConstantOfShape(zero(dtype)), b.apply(ShapeOp(), value))
}
