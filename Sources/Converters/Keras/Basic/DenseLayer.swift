import Graphs
import Operators
import Tensors

/// `activation(x kernel + bias)` along the last axis.
struct DenseLayer: KerasLayer {
  let usesBias: Bool
  let activation: ActivationFunction

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    usesBias = try config.bool("use_bias", default: true)
    activation = try ActivationFunction(config, reader)
  }

  var variables: [KerasVariable] {
    [KerasVariable("kernel")] + (usesBias ? [KerasVariable("bias")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.numeric(try call.raw())
    let kernel = try call.weight(0)
    var y: ValueID
    if try call.rank(x.id) == 2, usesBias {
      y = try call.b.apply(Gemm(), x.id, kernel, try call.weight(1))
    } else {
      y = try call.matmul(x.id, kernel)
      if usesBias { y = try call.add(y, try call.weight(1)) }
    }
    return call.pass(x, try activation.apply(y, call))
  }
}
