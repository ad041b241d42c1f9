import Graphs
import Operators
import Tensors

/// An exported graph on its way into a builder: what each name stands for, node by node.
final class TorchGraph {
  let builder: ConversionBuilder
  /// What the file says of tensors, by name.
  let described: [String: ExportTensor]
  private(set) var values: [String: TorchValue] = [:]
  /// What shares memory with what.
  private var aliases: TorchAliases
  let parameters: TorchParameters
  var unsupported = UnsupportedParts()
  var notes: [String] = []
  /// Parameters and buffers, which nothing may change.
  var fixed: Set<String> = []
  /// Names of the caller's inputs.
  var given: Set<String> = []

  /// - `parameters`: of the graph around this one.
  init(
    _ graph: ExportedGraph, into builder: ConversionBuilder, parameters: TorchParameters? = nil
  ) {
    self.builder = builder
    self.parameters = parameters ?? TorchParameters(builder)
    described = graph.tensors
    aliases = TorchAliases(graph)
  }

  /// Errors: `.malformed` for a name that nothing defines.
  func value(_ name: String) throws(EngineError) -> TorchValue {
    guard let value = values[name] else {
      throw EngineError(.malformed, "nothing gives '\(name)' a value before it is used")
    }
    return value
  }
  func value(_ scalar: ExportScalar) throws(EngineError) -> TorchValue {
    switch scalar {
    case .int(let v): .number(.int(v))
    case .float(let v): .number(.float(v))
    case .bool(let v): .number(.bool(v))
    case .name(let name): try value(name)
    }
  }
  func define(_ name: String, _ value: TorchValue) { values[name] = value }
  /// Whether a node or the graph's result uses `name`.
  func isUsed(_ name: String) -> Bool { aliases.isUsed(name) }

  /// Values that are transposes of others at hand.
  var turned: [ValueID: ValueID] {
    get { parameters.turned }
    set { parameters.turned = newValue }
  }
  func isParameter(_ id: ValueID) -> Bool { parameters.contains(id) }
  /// A matrix among the parameters transposed; nil for other values.
  func transposedParameter(_ id: ValueID) throws(EngineError) -> ValueID? {
    try parameters.transposed(id)
  }

  /// Converts the nodes in order. What cannot be converted is noted in `unsupported`.
  ///
  /// Errors: `.malformed` and others, naming the node.
  func convert(
    _ graph: ExportedGraph, progress: ((Double) -> Void)? = nil
  ) throws(EngineError) {
    for (i, node) in graph.nodes.enumerated() {
      if i % 32 == 0 { progress?(Double(i) / Double(graph.nodes.count)) }
      do throws(EngineError) {
        try convert(node, at: i)
      } catch {
        guard error.code == .unsupported else {
          throw error.at(node: node.name, operatorName: node.target)
        }
        unsupported.add(node.target, at: node.name, error.message)
        try standIn(node)
      }
    }
  }

  private func convert(_ node: ExportNode, at place: Int) throws(EngineError) {
    guard let op = TorchOperators.byName[node.target] else {
      throw EngineError(.unsupported, "not supported")
    }
    let results = try results(op, node)
    if TorchOperator.pure(node.target) != nil, node.target != "aten.detach_.default" {
      guard let name = node.inputs.first?.value.names.first, let result = results.first else {
        throw EngineError(.malformed, "what is changed in place is no tensor")
      }
      if TorchEffects.reshaping.contains(node.target) {
        define(name, result)
        aliases.noteView(node)
      } else {
        try aliases.write(result, to: name, by: node, at: place, in: self)
      }
    } else if op.isView {
      aliases.noteView(node)
    }
  }

  /// Applies the rule of `op`, and names what it gives.
  func results(_ op: TorchOperator, _ node: ExportNode) throws(EngineError) -> [TorchValue] {
    builder.scope = node.module.isEmpty ? node.name : "\(node.module)/\(node.name)"
    let call = TorchCall(graph: self, node: node)
    let results = try op.rule(call)
    var names: [String?] = []
    for output in node.outputs {
      switch output {
      case .tensor(let name): names.append(name)
      case .tensors(let list): names += list
      case .scalar(let scalar): names.append(scalar.name)
      default: names.append(nil)
      }
    }
    for (i, name) in names.enumerated() {
      guard let name, !name.isEmpty else { continue }
      guard i < results.count else {
        values[name] = TorchValue.none
        continue
      }
      values[name] = try settled(results[i], name, call)
    }
    return names.first.flatMap { $0 }.flatMap { values[$0] }.map { [$0] } ?? results
  }

  /// The value in the element type that the file states, its sizes compared.
  ///
  /// Errors: `.malformed` where the rank or a size differs from what the file states.
  private func settled(
    _ value: TorchValue, _ name: String, _ call: TorchCall
  ) throws(EngineError) -> TorchValue {
    guard case .tensor(let id) = value, let stated = described[name] else { return value }
    if let dims = builder.dims(id) {
      let fits =
        dims.count == stated.dims.count
        && zip(dims, stated.dims).allSatisfy { a, b in
          a.known == nil || b.known == nil || a.known == b.known
        }
      guard fits else {
        throw EngineError(
          .malformed, "its result does not have the sizes that the file states",
          expected: "\(stated.dims)", received: "\(dims)")
      }
    }
    return .tensor(try call.cast(id, stated.dtype))
  }

  /// Gives the outputs of a node that was refused values of their stated types, so that the rest of
  /// the graph can be looked at.
  private func standIn(_ node: ExportNode) throws(EngineError) {
    for name in node.outputs.flatMap(\.names) {
      if let stated = described[name] {
        var graph = builder.graph
        let id = graph.addValue("", Fact(stated.dtype, stated.dims))
        builder.graph = graph
        values[name] = .tensor(id)
      } else {
        values[name] = .symbol(try builder.ints([1]))
      }
    }
  }
}
