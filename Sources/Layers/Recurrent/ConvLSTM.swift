import Tensors
import Training

/// What ConvLSTM1D to 3D share: long short-term memory whose products are convolutions.
///
/// - Input: `[N, T, C, ...]`, or channels last. Output: the last state `[N, filters, ...]`, or all
///   with `returnsSequences`.
/// - Parameters: `kernel` `[4 filters, C, ...]`, `recurrent` `[4 filters, filters, ...]`, `bias`
///   `[4 filters]`; gates i, f, c, o as in Keras. Recurrent convolutions keep the size.
/// - Errors: `.shape` where steps or sizes are not known. - Source: Keras 3 ConvLSTM. Shi et al.
///   2015.
public class ConvLSTM: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Channels of the output.
  public let filters: Int
  /// What stands around the input.
  public let padding: Padding
  /// What is applied to the result.
  public let activation: ActivationFunction
  /// What is applied to gates.
  public let recurrentActivation: ActivationFunction
  /// Whether all steps are given.
  public let returnsSequences: Bool
  /// Where channels stand.
  public let dataFormat: DataFormat
  /// Weights of the input.
  public let kernel = Parameter.pending()
  /// Weights of the state.
  public let recurrent = Parameter.pending()
  /// Added to the result; nil without.
  public let bias: Parameter?
  private let kernelSize: [Int]
  private let strides: [Int]

  init(
    axes: Int, _ filters: Int, _ kernelSize: [Int], strides: [Int], padding: Padding,
    activation: ActivationFunction, recurrentActivation: ActivationFunction, useBias: Bool,
    returnsSequences: Bool, dataFormat: DataFormat
  ) {
    self.axes = axes
    self.filters = filters
    self.kernelSize = kernelSize
    self.strides = strides
    self.padding = padding
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.returnsSequences = returnsSequences
    self.dataFormat = dataFormat
    bias = useBias ? .pending() : nil
    super.init()
  }

  /// The shape of one step, channels first.
  private func step(_ shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 3...axes + 3)
    return dataFormat.first(LayerShape([shape[0]] + Array(shape.sizes.dropFirst(2))))
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(filters, "the number of filters")
    let channels = try size(of: step(shape), 1)
    let k = try checkedSizes(kernelSize, axes, "the kernel's size")
    let field = k.reduce(1, *)
    try start(
      kernel, [4 * filters, channels] + k, .glorotUniform,
      fans: .init(channels * field, 4 * filters * field))
    try start(
      recurrent, [4 * filters, filters] + k, .orthogonal(),
      fans: .init(filters * field, 4 * filters * field))
    if let bias {
      // The forget gate begins open.
      let part = try Tensor.zeros([filters], dtype: dtype)
      bias.value = try concat([part, .ones([filters], dtype: dtype), part, part])
    }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    let one = try step(shape)
    try expect(one, axis: 1, size: kernel.value.shape[1], "a step, channels first,")
    _ = try size(of: shape, 1)
    let k = try checkedSizes(kernelSize, axes, "the kernel's size")
    let s = try checkedSizes(strides, axes, "strides")
    var y = LayerShape([shape[0], filters])
    for i in 0..<axes {
      y.sizes.append(padding.outputSize(try size(of: one, i + 2), kernel: k[i], stride: s[i]))
    }
    let own = dataFormat.own(y)
    return returnsSequences ? LayerShape([own[0], shape[1]] + own.sizes.dropFirst()) : own
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try checkedSizes(strides, axes, "strides")
    var outputs: [Tensor] = []
    var (h, c): (Tensor?, Tensor?)
    for t in 0..<x.shape[1] {
      let now = try dataFormat.first(x.element(t, axis: 1))
      var a = try now.conv(kernel.value, bias?.value, strides: s, same: padding == .same)
      if let h { a = try a + h.conv(recurrent.value, same: true) }
      let g = try a.split(into: 4, axis: 1)
      var cell = try recurrentActivation(g[0]) * activation(g[2])
      if let c { cell = try cell + recurrentActivation(g[1]) * c }
      let y = try recurrentActivation(g[3]) * activation(cell)
      (h, c) = (y, cell)
      outputs.append(try dataFormat.own(y))
    }
    guard let last = outputs.last else {
      throw EngineError(.shape, "a sequence without steps", received: "\(x.shape)")
    }
    return returnsSequences ? try stack(outputs, axis: 1) : last
  }
}
