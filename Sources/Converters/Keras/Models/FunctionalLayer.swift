import Formats
import Graphs
import Tensors

/// A graph of layers and operations, each of which may be called several times.
struct FunctionalLayer: KerasModel {
  /// One call of a layer: what with, and what became of it.
  struct Node {
    let object: KerasObject
    let arguments: [KerasArgument]
    let keywords: [(key: String, value: KerasArgument)]
  }

  let objects: [KerasObject]
  /// By layer: the calls in order.
  let nodes: [String: [Node]]
  let inputs: KerasArgument
  let outputs: KerasArgument

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let list = config["layers"]?.asArray, let ins = config["input_layers"],
      let outs = config["output_layers"]
    else {
      throw EngineError(
        .unsupported, "a model that is no graph of layers, such as a subclass with code",
        hint: "build it with the functional API")
    }
    var names = SnakeNames()
    var made: [KerasObject] = []
    var calls: [String: [Node]] = [:]
    var isOld = false
    var configs: [(KerasObject, JSONObject)] = []
    for item in list {
      let inner = try KerasConfig(serialized: item)
      guard let object = item.asObject else { continue }
      let isOperation = KerasLayers.isOperation(inner)
      // Operations have no weights and do not count.
      let place = isOperation ? "operations" : "layers/\(names.next(inner.className))"
      let layer = try reader.child(
        inner.named(object["name"]?.asString), at: place)
      guard calls.updateValue([], forKey: layer.name) == nil else {
        throw EngineError(.malformed, "two layers are named '\(layer.name)'")
      }
      made.append(layer)
      configs.append((layer, object))
      isOld = isOld || object["inbound_nodes"]?.asArray?.first?.asArray != nil
    }
    objects = made
    let models = Set(made.filter { $0.layer is any KerasModel }.map(\.name))
    let functional = Set(made.filter { $0.layer is FunctionalLayer }.map(\.name))
    let parser = KerasArguments(layers: Set(calls.keys), shifted: isOld ? models : [])
    for (layer, object) in configs {
      for node in object["inbound_nodes"]?.asArray ?? [] {
        calls[layer.name, default: []].append(try parser.node(node, of: layer))
      }
    }
    nodes = calls
    // A functional model's own graph counts as its first call where outputs are listed.
    let ends = KerasArguments(layers: Set(calls.keys), shifted: isOld ? models : functional)
    inputs = try ends.places(ins)
    outputs = try ends.places(outs)
  }

  private func object(_ name: String) -> KerasObject? { objects.first { $0.name == name } }

  func inputs(of object: KerasObject) throws(EngineError) -> [KerasPort] {
    var ports: [KerasPort] = []
    for place in inputs.places {
      guard let layer = self.object(place.layer)?.layer as? InputLayer else {
        throw EngineError(.malformed, "input '\(place.layer)' of the model is no InputLayer")
      }
      ports.append(layer.port)
    }
    return ports
  }

  /// Names of layers, as Keras has them, or the keys of a dictionary.
  func outputNames(of object: KerasObject) -> [String] {
    if case .dict(let members) = outputs {
      return members.sorted { $0.key < $1.key }.flatMap { member in
        member.value.places.count == 1 ? [member.key] : member.value.places.map(\.layer)
      }
    }
    return outputs.places.map(\.layer)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    var run = FunctionalRun(self, call)
    return try run.result()
  }
}

extension KerasConfig {
  /// With a name from beside the configuration, where it has none within.
  fileprivate func named(_ name: String?) -> KerasConfig {
    guard members["name"] == nil, let name else { return self }
    var members = self.members
    members.append("name", .string(name))
    return KerasConfig(className: className, module: module, members: members)
  }

  fileprivate init(className: String, module: String, members: JSONObject) {
    self.className = className
    self.module = module
    self.members = members
  }
}
