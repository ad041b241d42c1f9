import Tensors
import Training

/// Dot-product attention without weights: `softmax(Q K^T) V`. Luong et al. 2015.
///
/// - Inputs: queries `[N, Tq, D]`, values `[N, Tk, Dv]`, and keys `[N, Tk, D]`, by default the
///   values. - `usesScale`: whether scores are multiplied by a learned number, 1 at first.
/// - `returnsScores`: whether probabilities `[N, Tq, Tk]` are given behind the output.
/// - Masks: of queries, which zeroes steps of the output, and of values.
/// - `takesMask`: whether the last input is one more mask, bool `[N, Tq, Tk]` or 1 for any of these
///   sizes, true where the query sees the key.
/// - Errors: `.arity`, `.shape`. - Source: Keras 3 Attention, score mode `dot`.
public final class Attention: Layer {
  /// Whether steps see none after them.
  public let isCausal: Bool
  /// What is dropped in training.
  public let dropout: Double
  /// Whether probabilities are given behind the output.
  public let returnsScores: Bool
  /// A learned factor of scores; nil without.
  public let scale: Parameter?

  /// Whether a mask stands behind the other inputs.
  public let takesMask: Bool

  public init(
    usesScale: Bool = false, isCausal: Bool = false, dropout: Double = 0,
    returnsScores: Bool = false, takesMask: Bool = false
  ) {
    self.takesMask = takesMask
    self.isCausal = isCausal
    self.dropout = dropout
    self.returnsScores = returnsScores
    scale = usesScale ? .pending() : nil
    super.init()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try checked(rate: dropout)
    if let scale { try start(scale, [], .ones) }
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    let y = try attentionShape(withoutMask(shapes, takesMask))
    return [y] + (returnsScores ? [[y[0], shapes[0][1], shapes[1][1]]] : [])
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let given = try AttentionInputs(input.values, takesMask: takesMask)
    let xs = given.values
    try expect(xs.map { LayerShape($0.shape.array) }, count: 2...3)
    var scores = try xs[0].matmul(xs[xs.count - 1].swapAxes(1, 2))
    if let scale { scores = try scores * scale.value }
    let mask = try attentionMask(
      keys: input.masks[1], isCausal: isCausal, xs[0].shape[1], xs[1].shape[1],
      given: given.mask)
    let r = try attend(scores, xs[1], mask: mask, dropout: dropout)
    return LayerOutput(
      try masked(r.output, input.mask), others: returnsScores ? [r.probabilities] : [],
      mask: input.mask)
  }
}

extension Layer {
  /// The shape of attention over queries, values and keys of one size.
  func attentionShape(_ shapes: [LayerShape]) throws(EngineError) -> LayerShape {
    try expect(shapes, count: 2...3)
    for (shape, name) in zip(shapes, ["queries", "values", "keys"]) {
      try expect(shape, rank: 3...3, name)
    }
    let keys = shapes[shapes.count - 1]
    if let n = shapes[0][2] { try expect(keys, axis: 2, size: n, "the keys") }
    if let n = shapes[1][1] { try expect(keys, axis: 1, size: n, "the keys") }
    return [shapes[0][0], shapes[0][1], shapes[1][2]]
  }
}
