import Tensors
import Training

/// Each sample as a vector: `[N, ...]` to `[N, elements]`, in the order `[C, ...]` of channels
/// first; `.channelsLast` turns the axes into that order before.
///
/// - Source: Keras 3 Flatten.
public final class Flatten: Layer {
  /// Where channels stand.
  public let dataFormat: DataFormat

  public init(dataFormat: DataFormat = .channelsFirst) {
    self.dataFormat = dataFormat
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 1...Shape.maxRank)
    return [shape[0], shape.elementsPerSample]
  }
  public override func forward(_ x: Tensor) throws -> Tensor {
    x.shape.rank == 2 ? x : try dataFormat.first(x).flatten()
  }
}
