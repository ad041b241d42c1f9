import Tensors
import Training

/// Each element repeated along the spatial axes, or blended with its neighbours between.
///
/// - Input: `[N, C, ...]`, or channels last. - Errors: `.attribute`, `.shape`.
public class UpSampling: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Whether elements between are blended.
  public let isLinear: Bool
  /// Where channels stand.
  public let dataFormat: DataFormat
  private let factors: [Int]

  init(axes: Int, _ factors: [Int], isLinear: Bool, dataFormat: DataFormat) {
    self.axes = axes
    self.factors = factors
    self.isLinear = isLinear
    self.dataFormat = dataFormat
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let f = try checkedSizes(factors, axes, "the factors")
    var first = dataFormat.first(shape)
    for i in 0..<axes { first[i + 2] = first[i + 2].map { $0 * f[i] } }
    return dataFormat.own(first)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let f = try checkedSizes(factors, axes, "the factors")
    let scales = [1, 1] + f.map { Float($0) }
    return try dataFormat.own(dataFormat.first(x).resized(by: scales, linear: isLinear))
  }
}
