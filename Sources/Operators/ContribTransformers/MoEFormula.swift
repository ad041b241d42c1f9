import Graphs
import Tensors

extension MoE {
  /// All experts for all tokens, weighted by 0 where the router did not choose them.
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let input = inputs[0], let router = inputs[1], let w1 = inputs[2], let w2 = optional(4),
      let size = b.fact(of: input).dims?.last?.known
    else { throw EngineError(.notDifferentiable, "the size of a token is not known") }
    let x = try reshape(b, input, [-1, size])
    func layer(
      _ x: B.Value, _ w: B.Value, _ bias: B.Value?
    ) throws(EngineError) -> B.Value {
      let y = try b.apply(MatMul(), x, turned(b, w))
      guard let bias else { return y }
      return try plus(b, y, b.apply(Unsqueeze(axes: [1]), bias))
    }
    let first = try layer(x, w1, optional(3))
    let gate = if let w3 = optional(6) { try layer(x, w3, optional(7)) } else { nil as B.Value? }
    let each = try layer(activated(b, first, gate), w2, optional(5))
    let shares = try reshape(
      b, b.apply(Transpose(perm: [1, 0]), routing(b, router)), [0, -1, 1])
    let y = try sum(b, times(b, each, shares), [0], keepDims: false)
    return Few(try reshape(b, y, like: input))
  }

  /// The weight of each expert for each token, `[T, E]`.
  private func routing<B: Builder>(
    _ b: B, _ scores: B.Value
  ) throws(EngineError) -> B.Value {
    let count = try b.constant(Tensor([Int64(options.count)]))
    let best = try b.apply(TopK(), inputs: [scores, count], outputs: 2)[1]
    let marks = try b.apply(
      OneHot(), best, size(b, scores, 1), b.constant(Tensor([0, 1] as [Float])))
    let chosen = try isGreater(b, sum(b, marks, [1], keepDims: false), 0.5)
    let weights = try masked(b, b.apply(Softmax(), scores), where: chosen)
    if !options.normalizes { return weights }
    return try over(b, weights, sum(b, weights, [1]))
  }

  private func activated<B: Builder>(
    _ b: B, _ x: B.Value, _ gate: B.Value?
  ) throws(EngineError) -> B.Value {
    var (g, l) = (x, gate)
    if options.activation == .swiglu, options.fusion != 0 {
      guard let rows = b.fact(of: x).dims?.last?.known else {
        throw EngineError(.notDifferentiable, "the rows of the first layer are not known")
      }
      if options.fusion == 1 {
        let pairs = try reshape(b, x, [0, 0, -1, 2])
        func part(_ i: Int) throws(EngineError) -> B.Value {
          try b.apply(Squeeze(axes: [3]), slice(b, pairs, axis: 3, i, i + 1))
        }
        (g, l) = (try part(0), try part(1))
      } else {
        g = try slice(b, x, axis: 2, 0, rows / 2)
        l = try slice(b, x, axis: 2, rows / 2, rows)
      }
    }
    let made: B.Value
    switch options.activation {
    case .relu: made = try b.apply(Relu(), g)
    case .identity: made = g
    case .gelu: made = try b.apply(Gelu(isTanh: true), g)
    case .silu: made = try b.apply(Swish(), g)
    case .swiglu:
      guard var linear = l else { throw EngineError(.arity, "swiglu has no linear part") }
      if let limit = options.limit {
        g = try b.apply(Clip(upper: limit), g)
        linear = try b.apply(Clip(lower: -limit, upper: limit), linear)
      }
      let swish = try b.apply(Swish(alpha: options.alpha), g)
      return try times(b, swish, plus(b, linear, Double(options.beta)))
    }
    guard let l else { return made }
    return try times(b, made, l)
  }
}
