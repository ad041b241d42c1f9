import Tensors
import Training

/// Groups of channels of each sample brought to zero mean and unit variance, then scaled and
/// shifted. Wu and He 2018.
///
/// - Input: `[N, C, ...]`, or channels last. - Parameters: `gamma`, `beta` `[C]`.
/// - Errors: `.attribute` where groups do not divide the channels.
/// - Source: Keras 3 GroupNormalization; a group for each channel with `groups: -1`.
public final class GroupNormalization: Layer {
  /// Parts that channels are divided into.
  public let groups: Int
  /// Added to variances or squares.
  public let epsilon: Double
  /// Where channels stand.
  public let dataFormat: DataFormat
  /// The scale; nil without.
  public let gamma = Parameter.pending()
  /// The shift; nil without.
  public let beta = Parameter.pending()

  public init(_ groups: Int = 32, epsilon: Double = 1e-3, dataFormat: DataFormat = .channelsFirst) {
    self.groups = groups
    self.epsilon = epsilon
    self.dataFormat = dataFormat
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try expect(shape, rank: 3...Shape.maxRank)
    let n = try size(of: dataFormat.first(shape), 1)
    guard groups == -1 || groups > 0 && n % groups == 0 else {
      throw EngineError(
        .attribute, "groups do not divide the channels", expected: "a divisor of \(n)",
        received: "\(groups)")
    }
    try start(gamma, [n], .ones)
    try start(beta, [n], .zeros)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 3...Shape.maxRank)
    try expect(dataFormat.first(shape), axis: 1, size: gamma.value.shape[0], "the input")
    return shape
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let count = groups == -1 ? gamma.value.shape[0] : groups
    let y = try dataFormat.first(x).groupNorm(
      gamma.value, beta.value, groups: count, epsilon: Float(epsilon))
    return try dataFormat.own(y)
  }
}
