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
