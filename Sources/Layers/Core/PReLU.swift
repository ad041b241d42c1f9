import Tensors
import Training

/// `x` above 0, `slope x` below, the slope learned for each place.
///
/// - `sharedAxes`: axes along which one slope serves all, from 1.
/// - Parameters: `slope`, of the input's sizes behind the batch, 1 along shared axes.
/// - Errors: `.shape` where a size of an axis that is not shared is not known.
/// - Source: Keras 3 PReLU; one slope a channel is torch's.
public final class PReLU: Layer {
  /// Axes along which one value serves all.
  public let sharedAxes: [Int]
  /// The slope below.
  public let slope = Parameter.pending()
  private let initializer: Initializer

  public init(sharedAxes: [Int] = [], initializer: Initializer = .zeros) {
    self.sharedAxes = sharedAxes
    self.initializer = initializer
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    var sizes: [Int] = []
    for axis in 1..<max(shape.rank, 1) {
      sizes.append(sharedAxes.contains(axis) ? 1 : try size(of: shape, axis))
    }
    try start(slope, sizes, initializer)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: slope.value.shape.rank + 1...slope.value.shape.rank + 1)
    for axis in 1..<shape.rank where !sharedAxes.contains(axis) {
      try expect(shape, axis: axis, size: slope.value.shape[axis - 1])
    }
    return shape
  }
  public override var passesMask: Bool { true }
  public override func forward(_ x: Tensor) throws -> Tensor { try x.prelu(slope: slope.value) }
}
