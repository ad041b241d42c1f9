import Graphs
import Tensors

/// Records the calls of a functional model in an order in which each finds its arguments.
struct FunctionalRun {
  private let model: FunctionalLayer
  private let call: LayerCall
  /// Results by layer and call.
  private var results: [String: [Int: [KerasValue]]] = [:]

  init(_ model: FunctionalLayer, _ call: LayerCall) {
    self.model = model
    self.call = call
  }

  /// Errors: `.malformed` for calls that wait for each other or results that do not exist.
  mutating func result() throws(EngineError) -> KerasValue {
    try bindInputs()
    var pending: [(node: FunctionalLayer.Node, index: Int)] = []
    for object in model.objects where !(object.layer is InputLayer) {
      for (i, node) in (model.nodes[object.name] ?? []).enumerated() { pending.append((node, i)) }
    }
    while !pending.isEmpty {
      var waiting: [(node: FunctionalLayer.Node, index: Int)] = []
      for entry in pending {
        guard isReady(entry.node) else {
          waiting.append(entry)
          continue
        }
        var arguments: [KerasValue] = []
        for a in entry.node.arguments { arguments.append(try value(a)) }
        var keywords: [(key: String, value: KerasValue)] = []
        for (key, a) in entry.node.keywords { keywords.append((key, try value(a))) }
        let made = try call.apply(entry.node.object, arguments, keywords)
        results[entry.node.object.name, default: [:]][entry.index] = Self.flat(made)
      }
      guard waiting.count < pending.count else {
        throw EngineError(
          .malformed, "layers of model '\(call.name)' wait for each other or for nothing",
          received: waiting.prefix(5).map { "'\($0.node.object.name)'" }.joined(separator: ", "))
      }
      pending = waiting
    }
    return try value(model.outputs)
  }

  private mutating func bindInputs() throws(EngineError) {
    let places = model.inputs.places
    var given = call.argument(0, "inputs")?.tensors ?? []
    // Inputs may be handed over one by one.
    if given.count < places.count { given = call.arguments.flatMap(\.tensors) }
    guard given.count == places.count else {
      throw EngineError(
        .malformed, "model '\(call.name)' is called with a wrong number of inputs",
        expected: "\(places.count)", received: "\(given.count)")
    }
    for (place, tensor) in zip(places, given) {
      var tensor = tensor
      if let input = model.objects.first(where: { $0.name == place.layer })?.layer as? InputLayer,
        let found = call.b.dtype(tensor.id), found != input.port.dtype, found.isFloat,
        input.port.dtype.isFloat
      {
        tensor.id = try call.cast(tensor.id, to: input.port.dtype)
      }
      results[place.layer, default: [:]][place.node] = [.tensor(tensor)]
    }
  }

  /// The results of a call as they are counted: all tensors in order.
  private static func flat(_ value: KerasValue) -> [KerasValue] {
    value.tensors.map { .tensor($0) }
  }

  private func isReady(_ node: FunctionalLayer.Node) -> Bool {
    (node.arguments + node.keywords.map(\.value)).allSatisfy { argument in
      argument.places.allSatisfy { results[$0.layer]?[$0.node] != nil }
    }
  }

  private func value(_ argument: KerasArgument) throws(EngineError) -> KerasValue {
    switch argument {
    case .plain(let value): return .plain(value)
    case .place(let place):
      guard let list = results[place.layer]?[place.node], place.index < list.count else {
        throw EngineError(
          .malformed, "layer '\(place.layer)' has no result \(place.index) of call \(place.node)")
      }
      return list[place.index]
    case .list(let items):
      var list: [KerasValue] = []
      for item in items { list.append(try value(item)) }
      return .list(list)
    case .dict(let members):
      var list: [(key: String, value: KerasValue)] = []
      for (key, item) in members { list.append((key, try value(item))) }
      return .dict(list)
    }
  }
}
