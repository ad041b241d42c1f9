import Tensors
import Training

/// Each channel of each sample brought to zero mean and unit variance, then scaled and shifted.
/// Ulyanov et al. 2016.
///
/// - Input: `[N, C, ...]`, or channels last. - Parameters: `gamma`, `beta` `[C]`, where `isAffine`.
/// - Source: torch InstanceNorm, epsilon 1e-5, there without parameters by default.
public final class InstanceNormalization: Layer {
  /// Added to variances or squares.
  public let epsilon: Double
  /// Where channels stand.
  public let dataFormat: DataFormat
  /// The scale; nil without.
  public let gamma: Parameter?
  /// The shift; nil without.
  public let beta: Parameter?

  public init(
    epsilon: Double = 1e-5, isAffine: Bool = false, dataFormat: DataFormat = .channelsFirst
  ) {
    self.epsilon = epsilon
    self.dataFormat = dataFormat
    gamma = isAffine ? .pending() : nil
    beta = isAffine ? .pending() : nil
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try expect(shape, rank: 3...Shape.maxRank)
    let n = try size(of: dataFormat.first(shape), 1)
    if let gamma { try start(gamma, [n], .ones) }
    if let beta { try start(beta, [n], .zeros) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 3...Shape.maxRank)
    if let gamma {
      try expect(dataFormat.first(shape), axis: 1, size: gamma.value.shape[0], "the input")
    }
    return shape
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let input = try dataFormat.first(x)
    let n = input.shape[1]
    let y = try input.instanceNorm(
      gamma?.value ?? .ones([n], dtype: dtype), beta?.value ?? .zeros([n], dtype: dtype),
      epsilon: Float(epsilon))
    return try dataFormat.own(y)
  }
}
