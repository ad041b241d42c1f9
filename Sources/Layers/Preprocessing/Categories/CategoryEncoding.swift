import Tensors
import Training

/// Whole numbers below `count` as vectors.
///
/// - Input: whole numbers, `[N, ...]`. Output: see `CategoryOutput`; `.tfIDF` is not for this
///   layer.
/// - With `.count` a second input of weights, of the first one's shape, counts each as much.
/// - Errors: `.attribute` for no numbers, or another output. Numbers out of range set nothing;
///   Keras refuses them. - Source: Keras 3 CategoryEncoding.
public final class CategoryEncoding: Layer {
  /// How many numbers there are.
  public let count: Int
  /// What comes out.
  public let output: CategoryOutput

  public init(_ count: Int, output: CategoryOutput = .multiHot) {
    self.count = count
    self.output = output
    super.init()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try checked(count, "the number of categories")
    try expect(shapes, count: output == .count ? 1...2 : 1...1)
    guard output != .tfIDF, output != .integers else {
      throw EngineError(
        .attribute, "the layer has no such output", expected: "oneHot, multiHot, count",
        received: output.rawValue)
    }
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] { [output.shape(for: shapes[0], depth: count)] }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let ids = try wholeNumbers(input.first()).cast(to: .int64)
    guard input.values.count > 1 else {
      return LayerOutput(try output.encoded(ids, depth: count, dtype: dtype))
    }
    let weights = try input.values[1].cast(to: dtype).expandDims(at: -1)
    let all = try CategoryOutput.oneHot.encoded(
      ids.expandDims(at: -1), depth: count, dtype: dtype)
    let y = try all * weights
    let rank = ids.shape.rank
    return LayerOutput(rank > 1 ? try y.sum(axes: [rank - 1]) : y)
  }

  public override var configuration: [(name: String, value: String)] {
    [("count", "\(count)"), ("output", output.rawValue)]
  }
}
