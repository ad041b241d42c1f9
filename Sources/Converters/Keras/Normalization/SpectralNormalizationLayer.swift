import Tensors

/// A layer whose kernel training scales; at inference the layer itself.
struct SpectralNormalizationLayer: KerasLayer {
  let layer: KerasObject

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let value = config["layer"] else {
      throw EngineError(.malformed, "'\(config.name)' wraps no layer")
    }
    layer = try reader.child(value, at: "layer")
  }

  var variables: [KerasVariable] {
    [KerasVariable("vector_u", isTrained: false, isUsed: false)]
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    try call.apply(layer, call.arguments)
  }
}
