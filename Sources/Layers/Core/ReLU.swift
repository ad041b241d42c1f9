import Tensors
import Training

/// `max(x, 0)`, with a bound above, a slope below and a threshold where asked for.
///
/// - `f(x) = ceiling` for `x >= ceiling`, `x` for `threshold <= x < ceiling`,
///   `slope (x - threshold)` below. - Source: Keras 3 ReLU.
public final class ReLU: Layer {
  /// The largest result; nil for none.
  public let ceiling: Double?
  /// The slope below.
  public let slope: Double
  /// Above it the second class is predicted.
  public let threshold: Double

  public init(ceiling: Double? = nil, slope: Double = 0, threshold: Double = 0) {
    self.ceiling = ceiling
    self.slope = slope
    self.threshold = threshold
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    guard (ceiling ?? 0) >= 0, slope >= 0, threshold >= 0 else {
      throw EngineError(
        .attribute, "a number of ReLU is negative", expected: "0 or more",
        received:
          "ceiling \(ceiling.map { "\($0)" } ?? "none"), slope \(slope), threshold \(threshold)")
    }
  }
  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    if slope == 0, threshold == 0 {
      return try ceiling.map { try x.clipped(0, $0) } ?? x.relu()
    }
    let isAbove = try x.isGreaterOrEqual(to: threshold)
    var y = try choose(isAbove, x, (x - threshold) * slope)
    if let ceiling { y = try y.minimum(ceiling) }
    return y
  }
}
