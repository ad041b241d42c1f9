import Tensors
import Training

/// The largest element or the mean of each channel: `[N, C, ...]`, or channels last, to `[N, C]`.
///
/// - With a mask over one spatial axis, means count what it lets through.
public class GlobalPooling: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Which one of its kinds.
  public let kind: PoolingKind
  /// Whether reduced axes stay, with size 1.
  public let keepDims: Bool
  /// Where channels stand.
  public let dataFormat: DataFormat

  init(axes: Int, _ kind: PoolingKind, keepDims: Bool, dataFormat: DataFormat) {
    self.axes = axes
    self.kind = kind
    self.keepDims = keepDims
    self.dataFormat = dataFormat
    super.init()
  }

  private var places: [Int] {
    dataFormat == .channelsFirst ? Array(2..<axes + 2) : Array(1..<axes + 1)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    var result = shape
    for axis in places.reversed() {
      if keepDims { result[axis] = 1 } else { result.sizes.remove(at: axis) }
    }
    return result
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    switch kind {
    case .max: try x.max(axes: places, keepDims: keepDims)
    case .average: try x.mean(axes: places, keepDims: keepDims)
    }
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let x = try input.first()
    guard let mask = input.mask, axes == 1, kind == .average else {
      return LayerOutput(try forward(x))
    }
    let axis = places[0]
    let weights = try mask.cast(to: x.dtype).expandDims(at: axis == 1 ? 2 : 1)
    let sum = try (x * weights).sum(axes: [axis], keepDims: keepDims)
    return LayerOutput(try sum / weights.sum(axes: [axis], keepDims: keepDims))
  }
}
