import Graphs
import Operators
import Tensors

/// `DepthwiseConv1D` and `DepthwiseConv2D`: each channel by itself.
struct DepthwiseConvLayer: KerasLayer {
  let options: ConvolutionOptions

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    options = try ConvolutionOptions(config, reader)
  }

  var variables: [KerasVariable] {
    [KerasVariable("kernel")] + (options.usesBias ? [KerasVariable("bias")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try options.laid(try call.numeric(try call.raw()).id, call)
    let y = try call.depthwise(
      x, kernel: 0, bias: options.usesBias ? 1 : nil, try options.window(x, call))
    return .id(try options.finish(y, call))
  }
}

extension LayerCall {
  /// A convolution of each channel of `x`, which lies channels first.
  func depthwise(
    _ x: ValueID, kernel: Int, bias: Int?, _ window: Window
  ) throws(EngineError) -> ValueID {
    let w = try weight(kernel, form: "depthwise") { (w) throws(EngineError) in
      try ConvolutionOptions.depthwise(w)
    }
    let b = try bias.map { (i) throws(EngineError) in try weight(i) }
    return try self.b.apply(
      Conv(window: window, group: try size(x, 1)), inputs: [x, w, b])
  }
}
