import Tensors

/// `Pipeline`: preprocessing layers one after the other.
struct PipelineLayer: KerasLayer {
  let layers: [KerasObject]

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    var names = SnakeNames()
    var made: [KerasObject] = []
    for item in config["layers"]?.asArray ?? [] {
      let inner = try KerasConfig(serialized: item)
      made.append(try reader.child(inner, at: "layers/\(names.next(inner.className))"))
    }
    layers = made
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    guard var value = call.argument(0, "inputs") else {
      throw EngineError(.malformed, "'\(call.name)' is called without inputs")
    }
    for layer in layers { value = try call.apply(layer, [value]) }
    return value
  }
}
