import Tensors
import Training

/// Each vector `count` times: `[N, features]` to `[N, count, features]`.
///
/// - Source: Keras 3 RepeatVector.
public final class RepeatVector: Layer {
  /// How many there are.
  public let count: Int

  public init(_ count: Int) {
    self.count = count
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(count, "the number of repetitions")
    try expect(shape, rank: 2...2)
    return [shape[0], count, shape[1]]
  }
  public override func forward(_ x: Tensor) throws -> Tensor {
    try x.expandDims(at: 1).tiled([1, count, 1])
  }
}
