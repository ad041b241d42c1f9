import Tensors
import Training

/// What convolutions share: `activation(conv(x, kernel) + bias)` over `axes` spatial axes.
///
/// - Input: `[N, C, ...]`, or `[N, ..., C]` with `dataFormat: .channelsLast`. Output: the same with
///   `filters` channels and the sizes that `padding` and strides leave.
/// - Parameters: `kernel` `[filters, C / groups, ...]` in both formats, as ONNX has it; Keras has
///   `[..., C / groups, filters]`. `bias` `[filters]`.
/// - Errors: `.attribute` for numbers below 1 or not as many as axes, and channels that groups do
///   not divide; `.shape`.
public class Convolution: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Channels of the output.
  public let filters: Int
  /// Parts that channels are divided into.
  public let groups: Int
  /// What stands around the input.
  public let padding: Padding
  /// Where channels stand.
  public let dataFormat: DataFormat
  /// What is applied to the result.
  public let activation: ActivationFunction
  /// Weights of the input.
  public let kernel = Parameter.pending()
  /// Added to the result; nil without.
  public let bias: Parameter?
  let kernelSize: [Int]
  let strides: [Int]
  let dilations: [Int]
  private let kernelInitializer: Initializer
  private let biasInitializer: Initializer
  private let kernelRegularizer: Regularizer?
  private let kernelConstraint: Constraint?

  init(
    axes: Int, _ filters: Int, _ kernelSize: [Int], strides: [Int], padding: Padding,
    dilations: [Int], groups: Int, activation: ActivationFunction, useBias: Bool,
    dataFormat: DataFormat, kernelInitializer: Initializer, biasInitializer: Initializer,
    kernelRegularizer: Regularizer?, kernelConstraint: Constraint?
  ) {
    self.axes = axes
    self.filters = filters
    self.groups = groups
    self.padding = padding
    self.dataFormat = dataFormat
    self.activation = activation
    self.kernelSize = kernelSize
    self.strides = strides
    self.dilations = dilations
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.kernelRegularizer = kernelRegularizer
    self.kernelConstraint = kernelConstraint
    bias = useBias ? .pending() : nil
    super.init()
  }

  /// Sizes, strides and dilations with one number an axis.
  func sizes() throws(EngineError) -> (kernel: [Int], strides: [Int], dilations: [Int]) {
    (
      try checkedSizes(kernelSize, axes, "the kernel's size"),
      try checkedSizes(strides, axes, "strides"), try checkedSizes(dilations, axes, "dilations")
    )
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try expect(shape, rank: axes + 2...axes + 2)
    try checked(filters, "the number of filters")
    try checked(groups, "the number of groups")
    let channels = try size(of: dataFormat.first(shape), 1)
    guard channels % groups == 0, filters % groups == 0 else {
      throw EngineError(
        .attribute, "groups do not divide the channels",
        expected: "divisors of \(channels) and \(filters)", received: "\(groups)")
    }
    if padding == .causal, axes != 1 {
      throw EngineError(
        .attribute, "causal padding has one spatial axis", expected: "valid or same")
    }
    let k = try sizes().kernel
    let field = k.reduce(1, *)
    try start(
      kernel, [filters, channels / groups] + k, kernelInitializer,
      fans: .init(channels / groups * field, filters * field), regularizer: kernelRegularizer,
      constraint: kernelConstraint)
    if let bias { try start(bias, [filters], biasInitializer) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let first = dataFormat.first(shape)
    if let channels = first[1], channels != kernel.value.shape[1] * groups {
      throw EngineError(
        .shape, "the input has the wrong number of channels",
        expected: "\(kernel.value.shape[1] * groups)",
        received: "\(channels) in \(shape), \(dataFormat.rawValue)")
    }
    let s = try sizes()
    var result = LayerShape([shape[0], filters])
    for i in 0..<axes {
      let n = padding.outputSize(
        first[i + 2], kernel: s.kernel[i], stride: s.strides[i], dilation: s.dilations[i])
      if n == 0 {
        throw EngineError(
          .shape, "the kernel is larger than the input", expected: "\(s.kernel) or more",
          received: "\(shape)", hint: "use padding .same, or a smaller kernel")
      }
      result.sizes.append(n)
    }
    return dataFormat.own(result)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try sizes()
    let input = try dataFormat.first(x)
    let pads = padding == .causal ? [(s.kernel[0] - 1) * s.dilations[0], 0] : []
    let y = try input.conv(
      kernel.value, bias?.value, strides: s.strides, pads: pads, dilations: s.dilations,
      groups: groups, same: padding == .same)
    return try activation(dataFormat.own(y))
  }

  public override var configuration: [(name: String, value: String)] {
    [
      ("filters", "\(filters)"), ("kernel", "\(kernelSize)"), ("strides", "\(strides)"),
      ("padding", padding.rawValue), ("activation", activation.name),
    ]
  }
}
