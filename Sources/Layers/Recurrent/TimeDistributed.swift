import Tensors
import Training

/// A layer applied to each step: `[N, T, ...]` to `[N, T, ...]`, one set of weights for all.
///
/// - Errors: `.shape` where the number of steps is not known. - Source: Keras 3 TimeDistributed.
public final class TimeDistributed: Layer {
  /// The layer inside.
  public let layer: Layer

  public init(_ layer: Layer) {
    self.layer = layer
    super.init()
  }

  private func inner(_ shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 3...Shape.maxRank)
    return LayerShape([nil] + Array(shape.sizes.dropFirst(2)))
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    _ = try size(of: shape, 1)
    try layer.prepare(for: [inner(shape)])
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let y = try layer.outputShapes(for: [inner(shape)])[0]
    return LayerShape([shape[0], shape[1]] + Array(y.sizes.dropFirst()))
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let sizes = x.shape.array
    let y = try layer(x.reshape(copying: [-1] + sizes.dropFirst(2)))
    return try y.reshape(copying: [-1, sizes[1]] + y.shape.array.dropFirst())
  }
}
