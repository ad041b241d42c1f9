import Graphs
import Operators
import Tensors

/// `Conv1D`, `Conv2D` and `Conv3D`.
struct ConvLayer: KerasLayer {
  let options: ConvolutionOptions
  let groups: Int

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    options = try ConvolutionOptions(config, reader)
    groups = try config.int("groups", default: 1)
    guard groups >= 1 else { throw EngineError(.malformed, "'\(config.name)' has no groups") }
  }

  var variables: [KerasVariable] {
    [KerasVariable("kernel")] + (options.usesBias ? [KerasVariable("bias")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try options.laid(try call.numeric(try call.raw()).id, call)
    let window = try options.window(x, call)
    let kernel = try call.weight(0, form: "turned") { (w) throws(EngineError) in
      try ConvolutionOptions.turned(w)
    }
    let bias = options.usesBias ? try call.weight(1) : nil
    let y = try call.b.apply(Conv(window: window, group: groups), inputs: [x, kernel, bias])
    return .id(try options.finish(y, call))
  }
}
