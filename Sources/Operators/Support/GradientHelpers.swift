import Graphs
import Tensors

// What gradient rules share. Each works on symbolic sizes as well: shapes are taken from values.

/// `value` under the shape of `like`.
@inlinable func reshape<B: Builder>(
  _ b: B, _ value: B.Value, like: B.Value
) throws(EngineError) -> B.Value {
  if let dims = b.fact(of: like).tensorType?.shape.array {
    return try b.apply(
      Reshape(allowZero: true), value, b.constant(Tensor(dims.map { Int64($0) })))
  }
  return try b.apply(Reshape(allowZero: true), value, b.apply(ShapeOp(), like))
}

/// The gradient of an input that was broadcast: `g` summed over the axes along which `like` has
/// size 1 or lacks the axis. `g` itself where the shapes are known to be equal.
@inlinable func unbroadcast<B: Builder>(
  _ b: B, _ g: B.Value, like: B.Value
) throws(EngineError) -> B.Value {
  if let from = b.fact(of: g).dims, let to = b.fact(of: like).dims, from == to { return g }
  return try b.apply(SumToShape(), g, like)
}

/// A constant without axes, of the element type of `like`.
@inlinable func scalar<B: Builder>(
  _ b: B, _ value: Double, like: B.Value
) throws(EngineError) -> B.Value {
  switch b.fact(of: like).dtype {
  case .float64: try b.constant(Tensor(scalar: value))
  case .float16: try b.constant(Tensor(scalar: Float16(value)))
  case .bfloat16: try b.constant(Tensor(scalar: BFloat16(Float(value))))
  default: try b.constant(Tensor(scalar: Float(value)))
  }
}

/// `x + y`.
@inlinable func plus<B: Builder>(
  _ b: B, _ x: B.Value, _ y: B.Value
) throws(EngineError) -> B.Value { try b.apply(Add(), x, y) }

/// `x + y` for a number `y`.
@inlinable func plus<B: Builder>(
  _ b: B, _ x: B.Value, _ y: Double
) throws(EngineError) -> B.Value { try b.apply(Add(), x, scalar(b, y, like: x)) }

/// `x - y`.
@inlinable func minus<B: Builder>(
  _ b: B, _ x: B.Value, _ y: B.Value
) throws(EngineError) -> B.Value { try b.apply(Sub(), x, y) }

/// `x - y` for a number `x`.
@inlinable func minus<B: Builder>(
  _ b: B, _ x: Double, _ y: B.Value
) throws(EngineError) -> B.Value { try b.apply(Sub(), scalar(b, x, like: y), y) }

/// `x * y`.
@inlinable func times<B: Builder>(
  _ b: B, _ x: B.Value, _ y: B.Value
) throws(EngineError) -> B.Value { try b.apply(Mul(), x, y) }

/// `x * y` for a number `y`.
@inlinable func times<B: Builder>(
  _ b: B, _ x: B.Value, _ y: Double
) throws(EngineError) -> B.Value { try b.apply(Mul(), x, scalar(b, y, like: x)) }

/// `x / y`.
@inlinable func over<B: Builder>(
  _ b: B, _ x: B.Value, _ y: B.Value
) throws(EngineError) -> B.Value { try b.apply(Div(), x, y) }

/// `x` where `mask` holds, 0 elsewhere.
@inlinable func masked<B: Builder>(
  _ b: B, _ x: B.Value, where mask: B.Value
) throws(EngineError) -> B.Value { try b.apply(Where(), mask, x, scalar(b, 0, like: x)) }

/// Whether `x > y` for a number `y`.
@inlinable func isGreater<B: Builder>(
  _ b: B, _ x: B.Value, _ y: Double
) throws(EngineError) -> B.Value { try b.apply(Greater(), x, scalar(b, y, like: x)) }

/// Whether `x < y` for a number `y`.
@inlinable func isLess<B: Builder>(
  _ b: B, _ x: B.Value, _ y: Double
) throws(EngineError) -> B.Value { try b.apply(Less(), x, scalar(b, y, like: x)) }

// MARK: What formulas share

/// `x` summed over `axes`, which stay with size 1 unless told otherwise; `x` itself over none.
func sum<B: Builder>(
  _ b: B, _ x: B.Value, _ axes: [Int], keepDims: Bool = true
) throws(EngineError) -> B.Value {
  try folded(b, ReduceSum(ReduceAxes(keepDims: keepDims)), x, axes)
}

/// The mean of `x` over `axes`, which stay with size 1; `x` itself over none.
func mean<B: Builder>(
  _ b: B, _ x: B.Value, _ axes: [Int]
) throws(EngineError) -> B.Value { try folded(b, ReduceMean(), x, axes) }

/// `x` folded by `op` over `axes`; `x` itself over none.
func folded<B: Builder, Op: Reduce>(
  _ b: B, _ op: Op, _ x: B.Value, _ axes: [Int]
) throws(EngineError) -> B.Value {
  if axes.isEmpty { return x }
  return try b.apply(op, x, b.constant(Tensor(axes.map { Int64($0) })))
}

/// The number of axes of `x`.
///
/// Errors: `.notDifferentiable` where it is not known.
func knownRank<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> Int {
  guard let rank = b.fact(of: x).rank else {
    throw EngineError(.notDifferentiable, "the rank of an input is not known")
  }
  return rank
}

/// The sizes of `x` as int64: a constant where they are known.
func sizes<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
  if let dims = b.fact(of: x).tensorType?.shape.array {
    return try b.constant(Tensor(dims.map { Int64($0) }))
  }
  return try b.apply(ShapeOp(), x)
}

/// The size of `x` along `axis`: int64 `[1]`, a constant where it is known.
func size<B: Builder>(_ b: B, _ x: B.Value, _ axis: Int) throws(EngineError) -> B.Value {
  if let dims = b.fact(of: x).dims, let n = dims[axis].known {
    return try b.constant(Tensor([Int64(n)]))
  }
  return try b.apply(ShapeOp(start: axis, end: axis + 1), x)
}

/// The size of `x` along `axis` as a scalar of the element type of `like`.
func realSize<B: Builder>(
  _ b: B, _ x: B.Value, _ axis: Int, like: B.Value
) throws(EngineError) -> B.Value {
  if let dims = b.fact(of: x).dims, let n = dims[axis].known {
    return try scalar(b, Double(n), like: like)
  }
  let n = try b.apply(Squeeze(axes: [0]), size(b, x, axis))
  return try b.apply(CastLike(), n, like)
}

/// `x` under the sizes of a list, in which 0 stands for the size of `x` there and -1 for the rest.
func reshape<B: Builder>(
  _ b: B, _ x: B.Value, _ list: [Int]
) throws(EngineError) -> B.Value {
  try b.apply(Reshape(), x, b.constant(Tensor(list.map { Int64($0) })))
}

/// `x` repeated to the shape of `like`.
func expand<B: Builder>(
  _ b: B, _ x: B.Value, like: B.Value
) throws(EngineError) -> B.Value {
  if let from = b.fact(of: x).dims, let to = b.fact(of: like).dims, from == to { return x }
  return try b.apply(Expand(), x, sizes(b, like))
}

/// `x` in the element type of `like`.
func cast<B: Builder>(_ b: B, _ x: B.Value, like: B.Value) throws(EngineError) -> B.Value {
  if let from = b.fact(of: x).dtype, from == b.fact(of: like).dtype { return x }
  return try b.apply(CastLike(), x, like)
}

/// A parameter of one element a channel, `[C]`, beside `x` `[N, C, ...]`: `[1, C, 1, ...]`.
func perChannel<B: Builder>(
  _ b: B, _ p: B.Value, rank: Int
) throws(EngineError) -> B.Value {
  if rank < 2 { return try reshape(b, p, [-1]) }
  return try reshape(b, p, [1, -1] + [Int](repeating: 1, count: rank - 2))
}

/// 1 where `x` is 0, else `x`: what may stand below a fraction or a root.
func nonzero<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
  let isZero = try b.apply(Equal(), x, scalar(b, 0, like: x))
  return try b.apply(Where(), isZero, scalar(b, 1, like: x), x)
}

/// `x` to the power of a number.
func power<B: Builder>(_ b: B, _ x: B.Value, _ p: Double) throws(EngineError) -> B.Value {
  switch p {
  case 1: x
  case 2: try times(b, x, x)
  case 0.5: try b.apply(Sqrt(), x)
  default: try b.apply(Pow(), x, scalar(b, p, like: x))
  }
}

/// The axes swapped with each other at the end: a matrix turned.
func turned<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
  let rank = try knownRank(b, x)
  return try b.apply(Transpose(perm: Array(0..<rank - 2) + [rank - 1, rank - 2]), x)
}

/// The part of `x` from place `from` up to `to` along `axis`.
func slice<B: Builder>(
  _ b: B, _ x: B.Value, axis: Int, _ from: Int, _ to: Int
) throws(EngineError) -> B.Value {
  func one(_ n: Int) throws(EngineError) -> B.Value { try b.constant(Tensor([Int64(n)])) }
  return try b.apply(Slice(), inputs: [x, try one(from), try one(to), try one(axis)])
}

/// `x` cut or padded with zeros at the end of `axis` to `n` places.
func fitted<B: Builder>(
  _ b: B, _ x: B.Value, axis: Int, _ n: Int
) throws(EngineError) -> B.Value {
  let rank = try knownRank(b, x)
  guard let have = b.fact(of: x).dims?[axis].known else {
    throw EngineError(.notDifferentiable, "the size of an axis is not known")
  }
  if have == n { return x }
  if have > n { return try slice(b, x, axis: axis, 0, n) }
  var pads = [Int64](repeating: 0, count: 2 * rank)
  pads[rank + axis] = Int64(n - have)
  return try b.apply(Pad(), x, b.constant(Tensor(pads)))
}

/// 0, 1, 2, ... up to the size of `x` along `axis`: int64 `[size]`.
func places<B: Builder>(_ b: B, _ x: B.Value, axis: Int) throws(EngineError) -> B.Value {
  let (zero, one) = (
    try b.constant(Tensor(scalar: Int64(0))), try b.constant(Tensor(scalar: Int64(1)))
  )
  if let n = b.fact(of: x).dims?[axis].known {
    return try b.constant(Tensor((0..<n).map { Int64($0) }))
  }
  return try b.apply(RangeOp(), zero, b.apply(Squeeze(axes: [0]), size(b, x, axis)), one)
}
