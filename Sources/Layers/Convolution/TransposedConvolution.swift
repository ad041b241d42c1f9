import Tensors
import Training

/// What transposed convolutions share: `activation(convTranspose(x, kernel) + bias)`.
///
/// - Input: `[N, C, ...]`, or channels last. Output: `filters` channels; sizes `n stride` with
///   padding `same`, `n stride + max(kernel - stride, 0)` with `valid`.
/// - Parameters: `kernel` `[C, filters, ...]`, as ONNX has it; Keras has `[..., filters, C]`.
/// - With `same` and an odd number of elements to cut off, the odd one is cut off behind, as
///   TensorFlow does; torch cuts it off before.
public class TransposedConvolution: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Channels of the output.
  public let filters: Int
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
    axes: Int, _ filters: Int, _ kernelSize: [Int], strides: [Int], padding: Padding,
    dilations: [Int], activation: ActivationFunction, useBias: Bool, dataFormat: DataFormat,
    kernelInitializer: Initializer, biasInitializer: Initializer
  ) {
    self.axes = axes
    self.filters = filters
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
    try checked(filters, "the number of filters")
    guard padding != .causal else {
      throw EngineError(
        .attribute, "a transposed convolution is not causal", expected: "valid or same")
    }
    let channels = try size(of: dataFormat.first(shape), 1)
    let k = try sizes().kernel
    let field = k.reduce(1, *)
    // Keras counts the fans of a kernel [..., filters, C] as of a convolution's.
    try start(
      kernel, [channels, filters] + k, kernelInitializer,
      fans: .init(filters * field, channels * field))
    if let bias { try start(bias, [filters], biasInitializer) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let first = dataFormat.first(shape)
    try expect(first, axis: 1, size: kernel.value.shape[0], "the input, channels first,")
    let s = try sizes()
    var result = LayerShape([shape[0], filters])
    for i in 0..<axes {
      let reach = (s.kernel[i] - 1) * s.dilations[i] + 1
      result.sizes.append(
        first[i + 2].map { n in
          n * s.strides[i] + (padding == .same ? 0 : max(reach - s.strides[i], 0))
        })
    }
    return dataFormat.own(result)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try sizes()
    var (before, after, extra): ([Int], [Int], [Int]) = ([], [], [])
    for i in 0..<axes {
      let reach = (s.kernel[i] - 1) * s.dilations[i] + 1
      let cut = padding == .same ? max(reach - s.strides[i], 0) : 0
      before.append(cut / 2)
      after.append(cut - cut / 2)
      extra.append(max(s.strides[i] - reach, 0))
    }
    let y = try dataFormat.first(x).convTranspose(
      kernel.value, bias?.value, strides: s.strides, pads: before + after,
      dilations: s.dilations, outputPadding: extra.allSatisfy { $0 == 0 } ? [] : extra)
    return try activation(dataFormat.own(y))
  }

  public override var configuration: [(name: String, value: String)] {
    [
      ("filters", "\(filters)"), ("kernel", "\(kernelSize)"), ("strides", "\(strides)"),
      ("padding", padding.rawValue), ("activation", activation.name),
    ]
  }
}
