import Tensors
import Training

/// Marks steps all of whose elements are `value`, for later layers to leave out.
///
/// - Input: `[N, T, ...]`. Output: the same with zeros in steps that are left out.
/// - Source: Keras 3 Masking.
public final class Masking: Layer {
  /// The projection of values.
  public let value: Double

  public init(_ value: Double = 0) {
    self.value = value
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 3...Shape.maxRank)
    return shape
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    try run(LayerInput([x])).value
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let x = try input.first()
    let differs = try x.isEqual(to: value).logicalNot()
    let axes = Array(2..<x.shape.rank)
    let kept = try differs.any(axes: axes, keepDims: true)
    return LayerOutput(
      try x * kept.cast(to: x.dtype), mask: try differs.any(axes: axes))
  }
}
