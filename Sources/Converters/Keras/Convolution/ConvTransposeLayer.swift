import Graphs
import Operators
import Tensors

/// `Conv1DTranspose`, `Conv2DTranspose` and `Conv3DTranspose`.
///
/// Sizes follow TensorFlow: `valid` gives `(n - 1) stride + max(reach, stride)`, `same` gives
/// `n stride`; with `output_padding` they are `(n - 1) stride + reach - 2 pad + output_padding`,
/// `pad` being 0 or `reach / 2`.
struct ConvTransposeLayer: KerasLayer {
  let options: ConvolutionOptions
  let outputPadding: [Int]?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    options = try ConvolutionOptions(config, reader)
    outputPadding =
      config["output_padding"] == nil
      ? nil : try config.ints("output_padding", count: options.rank)
    guard try config.int("groups", default: 1) == 1 else {
      throw EngineError(.unsupported, "transposed convolutions in groups are not converted")
    }
  }

  var variables: [KerasVariable] {
    [KerasVariable("kernel")] + (options.usesBias ? [KerasVariable("bias")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try options.laid(try call.numeric(try call.raw()).id, call)
    var window = Window(
      kernel: options.kernel, strides: options.strides, dilations: options.dilations)
    var extra: [Int] = []
    for i in 0..<options.rank {
      let stride = options.strides[i]
      let reach = (options.kernel[i] - 1) * options.dilations[i] + 1
      // What the result has beyond (n - 1) stride.
      let wanted: Int
      if let outputPadding {
        let pad = options.padding == "same" ? reach / 2 : 0
        wanted = reach - 2 * pad + outputPadding[i]
      } else {
        wanted = options.padding == "same" ? stride : Swift.max(reach, stride)
      }
      let cut = options.padding == "same" ? Swift.max(reach - wanted, 0) : 0
      window.padsBegin.append(cut / 2)
      window.padsEnd.append(cut - cut / 2)
      extra.append(wanted - (reach - cut))
    }
    guard extra.allSatisfy({ $0 >= 0 }) else {
      throw call.unsupported("its output_padding cuts the result")
    }
    let kernel = try call.weight(0, form: "turned") { (w) throws(EngineError) in
      try ConvolutionOptions.turned(w)
    }
    let bias = options.usesBias ? try call.weight(1) : nil
    let op = ConvTranspose(
      window: window, outputPadding: extra.allSatisfy { $0 == 0 } ? [] : extra)
    let y = try call.b.apply(op, inputs: [x, kernel, bias])
    return .id(try options.finish(y, call))
  }
}
