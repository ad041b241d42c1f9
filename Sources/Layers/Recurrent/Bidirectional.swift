import Tensors
import Training

/// A recurrent layer run both ways, the results joined.
///
/// - `backward`: the layer for the way back; by default one like `forward`, with weights of its
///   own.
/// - Output: as `forward`'s, by `merging`; sequences of the way back are turned round. With
///   `returnsState` the states of the way there, then those of the way back.
/// - Source: Keras 3 Bidirectional. Schuster and Paliwal 1997.
public final class Bidirectional: Layer {
  /// How both results are joined.
  public enum Merging: String, Sendable { case concatenation, sum, product, average }

  /// The layer that goes ahead.
  public let ahead: RNN
  /// The layer that goes back.
  public let back: RNN
  /// How both results are joined.
  public let merging: Merging

  /// Errors: `.usage` for a layer that cannot be turned, where no `backward` is given.
  public init(
    _ forward: RNN, backward: RNN? = nil, merging: Merging = .concatenation
  ) throws(EngineError) {
    ahead = forward
    back = if let backward { backward } else { try forward.reversed() }
    self.merging = merging
    super.init()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try expect(shapes, count: 1...1)
    guard back.goesBackwards != ahead.goesBackwards,
      back.returnsSequences == ahead.returnsSequences
    else {
      throw EngineError(
        .usage, "the layers of both ways do not fit",
        expected: "one of them going backwards, and both or none giving sequences")
    }
    try ahead.prepare(for: shapes)
    try back.prepare(for: shapes)
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    let (a, b) = (try ahead.outputShapes(for: shapes), try back.outputShapes(for: shapes))
    var y = a[0]
    if merging == .concatenation {
      if let n = a[0][-1], let m = b[0][-1] { y[-1] = n + m }
    } else if a[0] != b[0] {
      throw EngineError(
        .shape, "results of both ways cannot be joined", expected: "\(a[0])", received: "\(b[0])")
    }
    return [y] + a.dropFirst() + b.dropFirst()
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let a = try ahead(masked: input.values, input.masks)
    let b = try back(masked: input.values, input.masks)
    var other = b.value
    if back.returnsSequences { other = try other.flipped([1]) }
    let y =
      switch merging {
      case .concatenation: try concat([a.value, other], axis: -1)
      case .sum: try a.value + other
      case .product: try a.value * other
      case .average: try (a.value + other) * 0.5
      }
    return LayerOutput(y, others: a.others + b.others, mask: a.mask)
  }
}
