import Formats
import Tensors

/// An argument of a recorded call: results of other layers, lists and dictionaries, plain values.
indirect enum KerasArgument: Sendable {
  struct Place: Hashable, Sendable {
    let layer: String
    /// Which of the layer's calls.
    let node: Int
    /// Which of that call's results.
    let index: Int
  }
  case place(Place)
  case list([KerasArgument])
  case dict([(key: String, value: KerasArgument)])
  case plain(JSONValue)

  var places: [Place] {
    switch self {
    case .place(let place): [place]
    case .list(let items): items.flatMap(\.places)
    case .dict(let members): members.sorted { $0.key < $1.key }.flatMap(\.value.places)
    case .plain: []
    }
  }
}

/// Reads arguments of recorded calls, in the form of Keras 3 and in the lists of Keras 1 and 2.
struct KerasArguments {
  let layers: Set<String>
  /// Layers whose calls are counted from 1: models, whose own graph was their first call.
  let shifted: Set<String>

  /// A call of `layer`.
  ///
  /// Errors: `.malformed`.
  func node(
    _ value: JSONValue, of layer: KerasObject
  ) throws(EngineError) -> FunctionalLayer.Node {
    if let object = value.asObject {
      var arguments: [KerasArgument] = []
      for item in object["args"].flatMap(KerasConfig.items) ?? [] {
        arguments.append(try argument(item))
      }
      var keywords: [(key: String, value: KerasArgument)] = []
      if let members = object["kwargs"]?.asObject {
        for (key, item) in zip(members.keys, members.values) {
          keywords.append((key, try argument(item)))
        }
      }
      return .init(object: layer, arguments: arguments, keywords: keywords)
    }
    guard let inputs = value.asArray else {
      throw KerasConfig.malformed("a call of '\(layer.name)'", value)
    }
    // A call of one input in the form of Keras 1, or a list of inputs.
    let isSingle = inputs.first?.asString != nil
    var places: [KerasArgument] = []
    var keywords: [(key: String, value: KerasArgument)] = []
    for item in isSingle ? [value] : inputs {
      guard let parts = item.asArray, parts.count >= 3, let place = try oldPlace(item) else {
        throw KerasConfig.malformed("an input of '\(layer.name)'", item)
      }
      places.append(.place(place))
      guard parts.count > 3, let members = parts[3].asObject else { continue }
      for (key, value) in zip(members.keys, members.values) {
        keywords.append((key, try oldArgument(value)))
      }
    }
    return .init(
      object: layer, arguments: [places.count == 1 ? places[0] : .list(places)],
      keywords: keywords)
  }

  private func oldArgument(_ value: JSONValue) throws(EngineError) -> KerasArgument {
    if let place = try oldPlace(value) { return .place(place) }
    guard let list = value.asArray else { return .plain(value) }
    var items: [KerasArgument] = []
    for item in list { items.append(try oldArgument(item)) }
    return .list(items)
  }

  /// `[layer, node, index]`, or nil where the value is none.
  private func oldPlace(_ value: JSONValue) throws(EngineError) -> KerasArgument.Place? {
    guard let parts = value.asArray, parts.count == 3 || parts.count == 4,
      let name = parts[0].asString, layers.contains(name), let node = parts[1].asInt,
      let index = parts[2].asInt
    else { return nil }
    return try place(name, node, index)
  }

  private func place(
    _ name: String, _ node: Int, _ index: Int
  ) throws(EngineError) -> KerasArgument.Place {
    guard layers.contains(name), (0...1_000_000).contains(node), (0...1_000_000).contains(index)
    else { throw EngineError(.malformed, "the model refers to layer '\(name)', call \(node)") }
    return .init(
      layer: name, node: shifted.contains(name) && node > 0 ? node - 1 : node, index: index)
  }

  /// The inputs or outputs of a model: places in lists and dictionaries.
  func places(_ value: JSONValue) throws(EngineError) -> KerasArgument {
    if let place = try oldPlace(value) { return .place(place) }
    if let items = KerasConfig.items(value) {
      var list: [KerasArgument] = []
      for item in items { list.append(try places(item)) }
      return .list(list)
    }
    guard let members = value.asObject else {
      throw KerasConfig.malformed("the inputs or outputs of a model", value)
    }
    var list: [(key: String, value: KerasArgument)] = []
    for (key, item) in zip(members.keys, members.values) { list.append((key, try places(item))) }
    return .dict(list)
  }

  private func argument(_ value: JSONValue) throws(EngineError) -> KerasArgument {
    if let items = KerasConfig.items(value) {
      var list: [KerasArgument] = []
      for item in items { list.append(try argument(item)) }
      return .list(list)
    }
    guard let object = value.asObject else { return .plain(value) }
    if object["class_name"]?.asString == "__keras_tensor__" {
      guard let history = object["config"]?.asObject?["keras_history"]?.asArray,
        history.count == 3, let name = history[0].asString, let node = history[1].asInt,
        let index = history[2].asInt
      else { throw KerasConfig.malformed("a tensor without origin", value) }
      return .place(try place(name, node, index))
    }
    // Slices, arrays and the like stay as they are.
    if object["class_name"] != nil { return .plain(value) }
    var list: [(key: String, value: KerasArgument)] = []
    for (key, item) in zip(object.keys, object.values) { list.append((key, try argument(item))) }
    return .dict(list)
  }
}
