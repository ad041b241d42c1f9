import Tensors
import Training

/// Additive attention: scores are `sum(scale tanh(q + k))`. Bahdanau et al. 2015.
///
/// - Inputs, outputs and masks as for `Attention`. - Parameter: `scale` `[D]`.
/// - `takesMask`: see `Attention`. - Source: Keras 3 AdditiveAttention.
public final class AdditiveAttention: Layer {
  /// Whether steps see none after them.
  public let isCausal: Bool
  /// What is dropped in training.
  public let dropout: Double
  /// A learned factor of scores; nil without.
  public let scale: Parameter?

  /// Whether a mask stands behind the other inputs.
  public let takesMask: Bool

  public init(
    usesScale: Bool = true, isCausal: Bool = false, dropout: Double = 0, takesMask: Bool = false
  ) {
    self.takesMask = takesMask
    self.isCausal = isCausal
    self.dropout = dropout
    scale = usesScale ? .pending() : nil
    super.init()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try checked(rate: dropout)
    _ = try attentionShape(withoutMask(shapes, takesMask))
    if let scale {
      let n = try size(of: shapes[0], 2)
      try start(scale, [n], .glorotUniform, fans: .init(n, n))
    }
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] { [try attentionShape(withoutMask(shapes, takesMask))] }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let given = try AttentionInputs(input.values, takesMask: takesMask)
    let xs = given.values
    try expect(xs.map { LayerShape($0.shape.array) }, count: 2...3)
    let sum = try xs[0].expandDims(at: 2) + xs[xs.count - 1].expandDims(at: 1)
    var terms = try sum.tanh()
    if let scale { terms = try terms * scale.value }
    let mask = try attentionMask(
      keys: input.masks[1], isCausal: isCausal, xs[0].shape[1], xs[1].shape[1],
      given: given.mask)
    let r = try attend(terms.sum(axes: [-1]), xs[1], mask: mask, dropout: dropout)
    return LayerOutput(try masked(r.output, input.mask), mask: input.mask)
  }
}
