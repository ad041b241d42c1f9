import Tensors
import Training

/// Whole channels zeroed with probability `rate`, the others scaled by `1 / (1 - rate)`, in
/// training. Tompson et al. 2014.
///
/// - Input: `[N, C, ...]`, or channels last. - Errors: `.attribute` for a rate outside 0..<1.
public class SpatialDropout: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// The share that is dropped.
  public let rate: Double
  /// Where channels stand.
  public let dataFormat: DataFormat

  init(axes: Int, _ rate: Double, dataFormat: DataFormat) {
    self.axes = axes
    self.rate = rate
    self.dataFormat = dataFormat
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(rate: rate)
    try expect(shape, rank: axes + 2...axes + 2)
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    guard isTraining, rate > 0 else { return x }
    let places = (0..<axes).map { $0 + (dataFormat == .channelsFirst ? 2 : 1) }
    let one = try x.detached().slice(
      axes: places, from: places.map { _ in 0 }, to: places.map { _ in 1 })
    return try x * one.dropoutMask(rate)
  }
}
