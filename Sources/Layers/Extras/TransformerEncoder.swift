import Tensors
import Training

/// A layer of a transformer's encoder: attention to itself, then two dense layers, each added to
/// what went in and normalised. Vaswani et al. 2017.
///
/// - Input and output: `[N, T, features]`. - `normalizesFirst`: whether normalisation stands before
///   attention and dense layers, as in newer models. - `isCausal`: whether steps see none after
///   them.
/// - Source: torch TransformerEncoderLayer, epsilon 1e-5.
public final class TransformerEncoder: Layer {
  /// Attention to itself.
  public let attention: MultiHeadAttention
  /// The first dense layer.
  public let first: Dense
  /// The first normalisation.
  public let norm1: LayerNormalization
  /// The second normalisation.
  public let norm2: LayerNormalization
  /// Whether normalisation stands before what it belongs to.
  public let normalizesFirst: Bool
  /// What is dropped in training.
  public let dropout: Dropout
  /// The second dense layer.
  public let second: Dense

  /// - `features`: of the input, which heads divide. - `inner`: units of the first dense layer.
  public init(
    _ features: Int, heads: Int, inner: Int, activation: ActivationFunction = .relu,
    dropout: Double = 0.1, normalizesFirst: Bool = false, isCausal: Bool = false,
    epsilon: Double = 1e-5
  ) {
    attention = MultiHeadAttention(
      heads: heads, keySize: features / max(heads, 1), isCausal: isCausal, dropout: dropout)
    first = Dense(inner, activation: activation)
    second = Dense(features)
    norm1 = LayerNormalization(epsilon: epsilon)
    norm2 = LayerNormalization(epsilon: epsilon)
    self.normalizesFirst = normalizesFirst
    self.dropout = Dropout(dropout)
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try expect(shape, rank: 3...3)
    try expect(shape, axis: 2, size: second.units)
    guard attention.heads > 0, second.units % attention.heads == 0 else {
      throw EngineError(
        .attribute, "heads do not divide the features", expected: "a divisor of \(second.units)",
        received: "\(attention.heads)")
    }
    try attention.prepare(for: [shape])
    try first.prepare(for: [shape])
    try second.prepare(for: [[nil, shape[1], first.units]])
    for norm in [norm1, norm2] { try norm.prepare(for: [shape]) }
    try dropout.prepare(for: [shape])
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 3...3)
    try expect(shape, axis: 2, size: second.units)
    return shape
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let x = try input.first()
    func attend(_ x: Tensor) throws -> Tensor {
      try dropout(attention(masked: [x], [input.mask]).value)
    }
    func dense(_ x: Tensor) throws -> Tensor { try dropout(second(dropout(first(x)))) }
    if normalizesFirst {
      let y = try x + attend(norm1(x))
      return LayerOutput(try y + dense(norm2(y)), mask: input.mask)
    }
    let y = try norm1(x + attend(x))
    return LayerOutput(try norm2(y + dense(y)), mask: input.mask)
  }
}
