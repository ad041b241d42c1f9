import Graphs
import Tensors

/// Scores `[N, rows]` of a linear model, in float32: `X coefficients^T + intercepts`.
func linearScores<B: Builder>(
  _ b: B, _ x: B.Value, _ coefficients: [Float], rows: Int, intercepts: [Float]
) throws(EngineError) -> B.Value {
  let features = coefficients.count / max(1, rows)
  let table = try reshape(b, b.apply(Cast(to: .float32), x), [-1, features])
  let weights = try b.constant(Tensor(shape: [rows, features], coefficients))
  let scores = try b.apply(MatMul(), table, turned(b, weights))
  if intercepts.isEmpty { return scores }
  return try plus(b, scores, b.constant(Tensor(intercepts)))
}

extension ScoreTransform {
  /// `apply` with other operators, on scores `[N, width]`.
  func expand<B: Builder>(
    _ b: B, _ s: B.Value, width: Int
  ) throws(EngineError) -> B.Value {
    if width == 1 && self != .probit { return s }
    switch self {
    case .none: return s
    case .logistic: return try b.apply(Sigmoid(), s)
    case .softmax: return try b.apply(Softmax(), s)
    case .softmaxZero:
      let top = try folded(b, ReduceMax(), s, [1])
      let counts = try isGreater(b, b.apply(Abs(), s), 1e-7)
      let powers = try masked(b, b.apply(Exp(), minus(b, s, top)), where: counts)
      let small = try times(b, s, b.apply(Exp(), b.apply(Neg(), top)))
      return try over(b, b.apply(Where(), counts, powers, small), sum(b, powers, [1]))
    case .probit:
      let x = try plus(b, times(b, s, 2), -1)
      let l = try b.apply(Log(), times(b, minus(b, 1, x), plus(b, x, 1)))
      let v = try plus(b, times(b, l, 0.5), 2 / (3.14159 * 0.147))
      let root = try b.apply(Sqrt(), minus(b, times(b, v, v), times(b, l, 1 / 0.147)))
      let magnitude = try b.apply(Sqrt(), minus(b, root, v))
      let sign = try b.apply(
        Where(), isLess(b, x, 0), scalar(b, -1.41421356, like: x),
        scalar(b, 1.41421356, like: x))
      return try times(b, sign, magnitude)
    }
  }

  /// `expand(_:rows:negates:)` with other operators: `[N, 1]` to `[N, 2]`.
  func pair<B: Builder>(
    _ b: B, _ s: B.Value, negates: Bool
  ) throws(EngineError) -> B.Value {
    let first: B.Value
    var second = s
    switch self {
    case .logistic:
      first = try b.apply(Sigmoid(), b.apply(Neg(), s))
      second = try b.apply(Sigmoid(), s)
    case .probit:
      second = try expand(b, s, width: 1)
      first = try minus(b, 1, second)
    case .none where negates: first = try b.apply(Neg(), s)
    default: first = try minus(b, 1, s)
    }
    return try b.apply(Concat(axis: 1), first, second)
  }
}

extension SVMKernel {
  /// The kernel between rows of features and all support vectors, `[N, vectors]`, in float32.
  func expand<B: Builder>(
    _ b: B, _ x: B.Value, _ support: [Float], vectors: Int
  ) throws(EngineError) -> B.Value {
    if kind == .rbf {
      let features = support.count / max(1, vectors)
      let rows = try reshape(b, b.apply(Cast(to: .float32), x), [-1, 1, features])
      let others = try b.constant(Tensor(shape: [1, vectors, features], support))
      let apart = try minus(b, rows, others)
      let distances = try sum(b, times(b, apart, apart), [2], keepDims: false)
      return try b.apply(Exp(), times(b, distances, -Double(gamma)))
    }
    let products = try linearScores(b, x, support, rows: vectors, intercepts: [])
    if kind == .linear { return products }
    let moved = try plus(b, times(b, products, Double(gamma)), Double(coef0))
    return try kind == .sigmoid
      ? b.apply(Tanh(), moved) : b.apply(Pow(), moved, scalar(b, Double(degree), like: moved))
  }
}
