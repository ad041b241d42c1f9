import Tensors
import Training

/// Elements zeroed with probability `rate`, the others scaled by `1 / (1 - rate)`, in training; the
/// input otherwise. Srivastava et al. 2014.
///
/// - `sharedAxes`: axes along which all elements share one draw, Keras' `noise_shape` of 1.
/// - Errors: `.attribute` for a rate outside 0..<1. - Source: Keras 3 Dropout.
public final class Dropout: Layer {
  /// The share that is dropped.
  public let rate: Double
  /// Axes along which one value serves all.
  public let sharedAxes: [Int]

  public init(_ rate: Double, sharedAxes: [Int] = []) {
    self.rate = rate
    self.sharedAxes = sharedAxes
    super.init()
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try checked(rate: rate)
    for axis in sharedAxes { _ = try place(axis, rank: shape.rank) }
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    guard isTraining, rate > 0, !sharedAxes.isEmpty else { return try x.dropout(rate) }
    let one = try x.detached().slice(
      axes: sharedAxes, from: sharedAxes.map { _ in 0 }, to: sharedAxes.map { _ in 1 })
    return try x * one.dropoutMask(rate)
  }

  public override var configuration: [(name: String, value: String)] { [("rate", text(rate))] }
}
