import Formats
import Tensors

/// Layers one after the other.
struct SequentialLayer: KerasModel {
  let layers: [KerasObject]
  private let port: KerasPort?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let list = config["layers"]?.asArray, !list.isEmpty else {
      throw EngineError(.unsupported, "a Sequential model without layers has no meaning")
    }
    var names = SnakeNames()
    var made: [KerasObject] = []
    for item in list {
      let inner = try KerasConfig(serialized: item)
      made.append(try reader.child(inner, at: "layers/\(names.next(inner.className))"))
    }
    layers = made
    port = try Self.port(list, made, config)
  }

  /// The input: that of the first layer, or what the model was built for.
  private static func port(
    _ list: [JSONValue], _ layers: [KerasObject], _ config: KerasConfig
  ) throws(EngineError) -> KerasPort? {
    guard let first = layers.first else { return nil }
    if let input = first.layer as? InputLayer { return input.port }
    if let nested = first.layer as? any KerasModel {
      return try nested.inputs(of: first).first
    }
    let dtype =
      first.config["dtype"]?.asString.flatMap { KerasPolicy.dtype($0) } ?? .float32
    guard
      let shape = first.config["batch_input_shape"] ?? first.config["batch_shape"]
        ?? config["build_input_shape"]
        ?? list.first?.asObject?["build_config"]?.asObject?[
          "input_shape"],
      let items = KerasConfig.items(shape)
    else { return nil }
    var sizes: [Int?] = []
    for item in items { sizes.append(item == .null ? nil : try KerasConfig.int(item, "shape")) }
    return KerasPort(
      name: "\(first.name)_input", dtype: first.className == "Embedding" ? .float32 : dtype,
      shape: sizes)
  }

  func inputs(of object: KerasObject) throws(EngineError) -> [KerasPort] {
    guard let port else {
      throw EngineError(
        .malformed, "the model '\(object.name)' was saved without the shape of its input",
        hint: "call the model once, or give it an Input, before saving")
    }
    return [port]
  }

  func outputNames(of object: KerasObject) -> [String] { layers.last.map { [$0.name] } ?? [] }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    guard var value = call.argument(0, "inputs") else {
      throw EngineError(.malformed, "model '\(call.name)' is called without inputs")
    }
    for layer in layers where !(layer.layer is InputLayer) {
      value = try call.apply(layer, [value])
    }
    return value
  }
}
