import Formats
import Tensors

/// Where the values of variables come from: the checkpoint of a SavedModel, or nowhere.
final class TFVariables {
  private let bundle: CheckpointBundle?
  /// Keys of the checkpoint by the names of variables.
  private var keys: [String: String] = [:]
  /// Values that the graph itself assigns: names of files.
  private var constants: [String: Tensor] = [:]

  private let files: [(ref: TFRef, file: String)]

  /// Variables that have no values: those of a lone graph.
  init() {
    bundle = nil
    files = []
  }

  /// The variables of a SavedModel. What restores them says which key belongs to which: each
  /// assignment of a restored tensor; where there is none, the names of the object graph.
  init(
    _ bundle: CheckpointBundle, _ program: TFProgram, _ saved: TFSavedModel
  ) throws(EngineError) {
    self.bundle = bundle
    files = try saved.assetPlaces(program.main)
    if let objects = try bundle.message("_CHECKPOINTABLE_OBJECT_GRAPH") {
      // TrackableObjectGraph: 1 nodes, of which 2 attributes: 2 full name, 3 checkpoint key.
      for node in try objects.all(1) {
        for attribute in try node.message.all(2) {
          guard let name = try attribute.message.last(2)?.message.text(),
            let key = try attribute.message.last(3)?.message.text(), !name.isEmpty
          else { continue }
          if keys[name] == nil { keys[name] = key }
        }
      }
    }
    try follow(program.main, arguments: [], program, depth: 0, from: saved.restoring)
  }

  /// Finds assignments of restored tensors, in functions that are called as well.
  private func follow(
    _ body: TFBody, arguments: [String?], _ program: TFProgram, depth: Int, from start: String?
  ) throws(EngineError) {
    guard depth < 8 else { return }
    for (n, node) in body.nodes.enumerated() {
      switch node.op {
      case "AssignVariableOp", "Assign":
        guard body.inputs[n].count >= 2,
          let name = try variable(body.inputs[n][0], body, arguments),
          let source = TFFunctions.source(body.inputs[n][1], body)
        else { continue }
        if depth == 0, let file = files.first(where: { $0.ref == source })?.file {
          constants[name] = try Tensor(shape: [], strings: [file])
        }
        guard
          ["RestoreV2"].contains(body.nodes[source.node].op),
          body.inputs[source.node].count >= 2
        else { continue }
        let list = body.nodes[body.inputs[source.node][1].node]
        guard let message = try list.attributes.tensor("value") else { continue }
        let names = try TFTensor.tensor(message)
        guard names.dtype == .string, source.output < names.count else { continue }
        keys[name] = names.strings[source.output]
      case "PartitionedCall", "StatefulPartitionedCall":
        // Of the outermost graph only what restores is followed.
        if let start, !start.isEmpty, node.name != start { continue }
        guard let f = try node.attributes.function("f"), program.has(f) else { continue }
        var inner: [String?] = []
        for ref in body.inputs[n] { inner.append(try variable(ref, body, arguments)) }
        try follow(try program.body(f), arguments: inner, program, depth: depth + 1, from: nil)
      default: break
      }
    }
  }

  private func variable(
    _ ref: TFRef, _ body: TFBody, _ arguments: [String?]
  ) throws(EngineError) -> String? {
    guard let source = TFFunctions.source(ref, body) else { return nil }
    let node = body.nodes[source.node]
    switch node.op {
    case TFNode.argumentOperator:
      return source.node < arguments.count ? arguments[source.node] : nil
    case "VarHandleOp": return try TFStates.key(node)
    case "VariableV2", "Variable": return node.name
    default: return nil
    }
  }

  /// The value of a variable.
  ///
  /// Errors: `.unsupported` where the model holds no values; those of the checkpoint.
  func tensor(_ name: String) throws(EngineError) -> Tensor {
    if let known = constants[name] { return known }
    guard let bundle else {
      throw EngineError(
        .unsupported, "the graph has a variable, but a GraphDef holds no values of variables",
        received: "'\(name)'", hint: "convert the SavedModel, or freeze the graph")
    }
    return try bundle.tensor(keys[name] ?? name)
  }
}
