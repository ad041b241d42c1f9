import Tensors
import Training

/// Channels brought to zero mean and unit variance over the batch, then scaled and shifted.
///
/// In training the batch's own moments are used, and running ones, for use after it, become
/// `momentum old + (1 - momentum) new`, with the population variance as in Keras.
///
/// - Input: rank 2 or more. - `axis`: that of the channels, 1 as in ONNX; Keras' default is -1.
/// - Parameters: `gamma`, `beta` `[C]`; states `mean`, `variance`.
/// - Source: Keras 3 BatchNormalization, with its defaults (torch: momentum 0.9, epsilon 1e-5).
public final class BatchNormalization: Layer {
  /// The axis that it works along.
  public let axis: Int
  /// The weight of running moments.
  public let momentum: Double
  /// Added to variances or squares.
  public let epsilon: Double
  /// The scale; nil without.
  public let gamma: Parameter?
  /// The shift; nil without.
  public let beta: Parameter?
  /// The running mean.
  public let mean = StateTensor.pending()
  /// The running variance.
  public let variance = StateTensor.pending()

  public init(
    axis: Int = 1, momentum: Double = 0.99, epsilon: Double = 1e-3, center: Bool = true,
    scale: Bool = true
  ) {
    self.axis = axis
    self.momentum = momentum
    self.epsilon = epsilon
    gamma = scale ? .pending() : nil
    beta = center ? .pending() : nil
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try expect(shape, rank: 2...Shape.maxRank)
    let n = try size(of: shape, place(axis, rank: shape.rank))
    if let gamma { try start(gamma, [n], .ones) }
    if let beta { try start(beta, [n], .zeros) }
    mean.value = try .zeros([n], dtype: dtype)
    variance.value = try .ones([n], dtype: dtype)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 2...Shape.maxRank)
    try expect(shape, axis: place(axis, rank: shape.rank), size: mean.value.shape[0])
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let at = try place(axis, rank: x.shape.rank)
    let input = at == 1 ? x : try x.moveAxis(at, to: 1)
    let n = mean.value.shape[0]
    let scale = try gamma?.value ?? .ones([n], dtype: dtype)
    let offset = try beta?.value ?? .zeros([n], dtype: dtype)
    let r = try input.batchNorm(
      scale, offset, mean: mean.value, variance: variance.value, epsilon: Float(epsilon),
      momentum: Float(momentum), training: isTraining)
    if isTraining {
      mean.value = r.mean
      variance.value = r.variance
    }
    return at == 1 ? r.output : try r.output.moveAxis(1, to: at)
  }

  public override var configuration: [(name: String, value: String)] {
    [("axis", "\(axis)"), ("momentum", text(momentum)), ("epsilon", text(epsilon))]
  }
}
