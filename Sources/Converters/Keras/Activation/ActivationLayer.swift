import Tensors

/// A function of `keras.activations` as a layer.
struct ActivationLayer: KerasLayer {
  let function: ActivationFunction

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    function = try ActivationFunction(config, reader)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return call.pass(x, try function.apply(x.id, call))
  }
}
