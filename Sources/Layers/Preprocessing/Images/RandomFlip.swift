import Tensors
import Training

/// Images mirrored at random, each with probability 1/2 in each direction, in training.
///
/// - Source: Keras 3 RandomFlip.
public final class RandomFlip: ImageLayer {
  /// Directions that images are mirrored in.
  public enum Mode: String, Sendable { case horizontal, vertical, both }
  /// Directions that images are mirrored in.
  public let mode: Mode

  public init(_ mode: Mode = .both, dataFormat: DataFormat = .channelsFirst) {
    self.mode = mode
    super.init(dataFormat: dataFormat)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    var y = try x.cast(to: dtype)
    guard isTraining else { return y }
    var axes: [Int] = []
    if mode != .vertical { axes.append(heightAxis + 1) }
    if mode != .horizontal { axes.append(heightAxis) }
    for axis in axes {
      y = try choose(drawn(y, 0...1).isLess(than: 0.5), y.flipped([axis]), y)
    }
    return y
  }

  public override var configuration: [(name: String, value: String)] {
    [("mode", mode.rawValue)]
  }
}
