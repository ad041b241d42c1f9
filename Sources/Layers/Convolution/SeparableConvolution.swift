import Tensors
import Training

/// What separable convolutions share: each channel convolved by itself, then channels mixed by a
/// kernel of size 1.
///
/// - Parameters: `depthwise` as in `DepthwiseConvolution`, `pointwise` `[filters, C multiplier,
///   1...]`, `bias` `[filters]`.
public class SeparableConvolution: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Channels of the output.
  public let filters: Int
  /// What is applied to the result.
  public let activation: ActivationFunction
  /// Where channels stand.
  public let dataFormat: DataFormat
  /// The convolution of each channel by itself.
  public let depthwise: DepthwiseConvolution
  /// Weights across channels.
  public let pointwise = Parameter.pending()
  /// Added to the result; nil without.
  public let bias: Parameter?
  private let pointwiseInitializer: Initializer
  private let biasInitializer: Initializer

  init(
    axes: Int, _ filters: Int, _ kernelSize: [Int], strides: [Int], padding: Padding,
    multiplier: Int, dilations: [Int], activation: ActivationFunction, useBias: Bool,
    dataFormat: DataFormat, depthwiseInitializer: Initializer, pointwiseInitializer: Initializer,
    biasInitializer: Initializer
  ) {
    self.axes = axes
    self.filters = filters
    self.activation = activation
    self.dataFormat = dataFormat
    self.pointwiseInitializer = pointwiseInitializer
    self.biasInitializer = biasInitializer
    depthwise = DepthwiseConvolution(
      axes: axes, kernelSize, strides: strides, padding: padding, multiplier: multiplier,
      dilations: dilations, activation: .linear, useBias: false, dataFormat: .channelsFirst,
      kernelInitializer: depthwiseInitializer, biasInitializer: .zeros)
    bias = useBias ? .pending() : nil
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(filters, "the number of filters")
    try expect(shape, rank: axes + 2...axes + 2)
    let middle = try depthwise.prepare(for: [dataFormat.first(shape)])[0]
    let channels = try size(of: middle, 1)
    try start(
      pointwise, [filters, channels] + [Int](repeating: 1, count: axes), pointwiseInitializer,
      fans: .init(channels, filters))
    if let bias { try start(bias, [filters], biasInitializer) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    var middle = try depthwise.outputShape(for: dataFormat.first(shape))
    middle[1] = filters
    return dataFormat.own(middle)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let y = try depthwise(dataFormat.first(x)).conv(pointwise.value, bias?.value)
    return try activation(dataFormat.own(y))
  }
}
