import Graphs
import Operators
import Tensors

/// `SeparableConv1D` and `SeparableConv2D`: a depthwise convolution, then one of size 1.
struct SeparableConvLayer: KerasLayer {
  let options: ConvolutionOptions

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    options = try ConvolutionOptions(config, reader)
  }

  var variables: [KerasVariable] {
    [KerasVariable("depthwise_kernel"), KerasVariable("pointwise_kernel")]
      + (options.usesBias ? [KerasVariable("bias")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try options.laid(try call.numeric(try call.raw()).id, call)
    let deep = try call.depthwise(x, kernel: 0, bias: nil, try options.window(x, call))
    let kernel = try call.weight(1, form: "turned") { (w) throws(EngineError) in
      try ConvolutionOptions.turned(w)
    }
    let bias = options.usesBias ? try call.weight(2) : nil
    let y = try call.b.apply(Conv(), inputs: [deep, kernel, bias])
    return .id(try options.finish(y, call))
  }
}
