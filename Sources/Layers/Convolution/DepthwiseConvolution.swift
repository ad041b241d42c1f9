import Tensors
import Training

/// What depthwise convolutions share: each channel convolved by itself, `multiplier` times.
///
/// - Input: `[N, C, ...]`, or channels last. Output: `C multiplier` channels.
/// - Parameters: `kernel` `[C multiplier, 1, ...]`, as ONNX has it; Keras has `[..., C,
///   multiplier]`.
public class DepthwiseConvolution: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Results for each channel.
  public let multiplier: Int
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
  private let kernelSize: [Int]
  private let strides: [Int]
  private let dilations: [Int]
  private let kernelInitializer: Initializer
  private let biasInitializer: Initializer

  init(
    axes: Int, _ kernelSize: [Int], strides: [Int], padding: Padding, multiplier: Int,
    dilations: [Int], activation: ActivationFunction, useBias: Bool, dataFormat: DataFormat,
    kernelInitializer: Initializer, biasInitializer: Initializer
  ) {
    self.axes = axes
    self.multiplier = multiplier
    self.padding = padding
    self.dataFormat = dataFormat
    self.activation = activation
    self.kernelSize = kernelSize
    self.strides = strides
    self.dilations = dilations
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    bias = useBias ? .pending() : nil
    super.init()
  }

  private func sizes() throws(EngineError) -> (kernel: [Int], strides: [Int], dilations: [Int]) {
    (
      try checkedSizes(kernelSize, axes, "the kernel's size"),
      try checkedSizes(strides, axes, "strides"), try checkedSizes(dilations, axes, "dilations")
    )
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try expect(shape, rank: axes + 2...axes + 2)
    try checked(multiplier, "the multiplier")
    let channels = try size(of: dataFormat.first(shape), 1)
    let k = try sizes().kernel
    let field = k.reduce(1, *)
    try start(
      kernel, [channels * multiplier, 1] + k, kernelInitializer,
      fans: .init(channels * field, multiplier * field))
    if let bias { try start(bias, [channels * multiplier], biasInitializer) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let first = dataFormat.first(shape)
    let filters = kernel.value.shape[0]
    try expect(first, axis: 1, size: filters / multiplier, "the input, channels first,")
    let s = try sizes()
    var result = LayerShape([shape[0], filters])
    for i in 0..<axes {
      let n = padding.outputSize(
        first[i + 2], kernel: s.kernel[i], stride: s.strides[i], dilation: s.dilations[i])
      if n == 0 {
        throw EngineError(
          .shape, "the kernel is larger than the input", expected: "\(s.kernel) or more",
          received: "\(shape)")
      }
      result.sizes.append(n)
    }
    return dataFormat.own(result)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try sizes()
    let pads = padding == .causal ? [(s.kernel[0] - 1) * s.dilations[0], 0] : []
    let y = try dataFormat.first(x).conv(
      kernel.value, bias?.value, strides: s.strides, pads: pads, dilations: s.dilations,
      groups: kernel.value.shape[0] / multiplier, same: padding == .same)
    return try activation(dataFormat.own(y))
  }
}
