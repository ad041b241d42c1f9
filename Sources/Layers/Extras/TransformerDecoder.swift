import Tensors
import Training

/// A layer of a transformer's decoder: causal attention to itself, attention to what an encoder
/// gave, then two dense layers, each added to what went in and normalised. Vaswani et al. 2017.
///
/// - Inputs: `[N, T, features]` and the encoder's `[N, S, features]`. Output: as the first.
/// - Source: torch TransformerDecoderLayer with a causal mask, epsilon 1e-5.
public final class TransformerDecoder: Layer {
  /// Attention to itself.
  public let own: MultiHeadAttention
  /// Attention to the encoder's output.
  public let cross: MultiHeadAttention
  /// The first dense layer.
  public let first: Dense
  /// The second dense layer.
  public let second: Dense
  /// The first normalisation.
  public let norm1: LayerNormalization
  /// The second normalisation.
  public let norm2: LayerNormalization
  /// The third normalisation.
  public let norm3: LayerNormalization
  /// Whether normalisation stands before what it belongs to.
  public let normalizesFirst: Bool
  /// What is dropped in training.
  public let dropout: Dropout

  public init(
    _ features: Int, heads: Int, inner: Int, activation: ActivationFunction = .relu,
    dropout: Double = 0.1, normalizesFirst: Bool = false, epsilon: Double = 1e-5
  ) {
    let size = features / max(heads, 1)
    own = MultiHeadAttention(heads: heads, keySize: size, isCausal: true, dropout: dropout)
    cross = MultiHeadAttention(heads: heads, keySize: size, dropout: dropout)
    first = Dense(inner, activation: activation)
    second = Dense(features)
    norm1 = LayerNormalization(epsilon: epsilon)
    norm2 = LayerNormalization(epsilon: epsilon)
    norm3 = LayerNormalization(epsilon: epsilon)
    self.normalizesFirst = normalizesFirst
    self.dropout = Dropout(dropout)
    super.init()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try check(shapes)
    guard own.heads > 0, second.units % own.heads == 0 else {
      throw EngineError(
        .attribute, "heads do not divide the features", expected: "a divisor of \(second.units)",
        received: "\(own.heads)")
    }
    try own.prepare(for: [shapes[0]])
    try cross.prepare(for: shapes)
    try first.prepare(for: [shapes[0]])
    try second.prepare(for: [[nil, shapes[0][1], first.units]])
    for norm in [norm1, norm2, norm3] { try norm.prepare(for: [shapes[0]]) }
    try dropout.prepare(for: [shapes[0]])
  }

  private func check(_ shapes: [LayerShape]) throws(EngineError) {
    try expect(shapes, count: 2...2)
    for shape in shapes {
      try expect(shape, rank: 3...3)
      try expect(shape, axis: 2, size: second.units)
    }
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    try check(shapes)
    return [shapes[0]]
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    try expect(input.values.map { LayerShape($0.shape.array) }, count: 2...2)
    let (x, memory) = (input.values[0], input.values[1])
    let mask = input.mask
    func attend(_ x: Tensor) throws -> Tensor { try dropout(own(masked: [x], [mask]).value) }
    func look(_ x: Tensor) throws -> Tensor {
      try dropout(cross(masked: [x, memory], [mask, input.masks[1]]).value)
    }
    func dense(_ x: Tensor) throws -> Tensor { try dropout(second(dropout(first(x)))) }
    if normalizesFirst {
      let y = try x + attend(norm1(x))
      let z = try y + look(norm2(y))
      return LayerOutput(try z + dense(norm3(z)), mask: mask)
    }
    let y = try norm1(x + attend(x))
    let z = try norm2(y + look(y))
    return LayerOutput(try norm3(z + dense(z)), mask: mask)
  }
}
