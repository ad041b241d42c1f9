import Formats
import Graphs
import Tensors

/// The contents of lookup tables, from the nodes that fill them.
final class TFTables {
  private let folder: ModelFolder?
  private var known: [String: (keys: Tensor, values: Tensor)] = [:]
  private var isFilled = false

  private let files: [(ref: TFRef, file: String)]

  /// - `files`: places in the graph that the names of files stand for.
  init(_ folder: ModelFolder?, _ files: [(ref: TFRef, file: String)]) {
    self.folder = folder
    self.files = files
  }

  private static let imports: Set<String> = [
    "LookupTableImportV2", "LookupTableImport", "InitializeTableV2", "InitializeTable",
    "InitializeTableFromTextFileV2", "InitializeTableFromTextFile",
  ]

  /// Keys and values of the table called `name`.
  ///
  /// Errors: `.unsupported` where nothing in the model fills it.
  func contents(
    _ name: String, _ session: TFSession
  ) throws(EngineError) -> (keys: Tensor, values: Tensor) {
    if !isFilled {
      isFilled = true
      let scope = TFScope(session, session.program.main)
      for (ref, file) in files {
        scope.replaced[ref] = .tensor(
          try session.builder.constant(try Tensor(shape: [], strings: [file])))
      }
      try fill(scope, session, depth: 0)
    }
    guard let found = known[name] else {
      throw EngineError(
        .unsupported, "nothing in the model fills the table '\(name)'",
        hint: "save the model with the table's initializer")
    }
    return found
  }

  /// Looks for nodes that fill tables, in functions that are called as well.
  private func fill(_ scope: TFScope, _ session: TFSession, depth: Int) throws(EngineError) {
    guard depth < 8 else { return }
    let body = scope.body
    for (n, node) in body.nodes.enumerated() {
      if Self.imports.contains(node.op) {
        try take(n, scope, session)
      } else if ["PartitionedCall", "StatefulPartitionedCall"].contains(node.op),
        let f = try node.attributes.function("f"), session.program.has(f),
        try fills(f, session, depth: depth)
      {
        var arguments: [FlowValue] = []
        for ref in body.inputs[n] { arguments.append(try scope.value(ref)) }
        try fill(
          TFScope(session, try session.program.body(f), arguments: arguments), session,
          depth: depth + 1)
      }
    }
  }

  /// Whether function `f` or one it calls fills a table.
  private func fills(_ f: String, _ session: TFSession, depth: Int) throws(EngineError) -> Bool {
    guard depth < 8, session.program.has(f) else { return false }
    for node in try session.program.body(f).nodes {
      if Self.imports.contains(node.op) { return true }
      if ["PartitionedCall", "StatefulPartitionedCall"].contains(node.op),
        let inner = try node.attributes.function("f"),
        try fills(inner, session, depth: depth + 1)
      {
        return true
      }
    }
    return false
  }

  private func take(_ n: Int, _ scope: TFScope, _ session: TFSession) throws(EngineError) {
    let (node, inputs) = (scope.body.nodes[n], scope.body.inputs[n])
    guard let first = inputs.first, case .table(let name) = try scope.value(first) else { return }
    func constant(_ i: Int) throws(EngineError) -> Tensor {
      guard i < inputs.count, let t = session.builder.known(try scope.tensor(inputs[i])) else {
        throw EngineError(
          .unsupported, "the contents of a table depend on data", subject: .init(node: node.name))
      }
      return t
    }
    if node.op.contains("TextFile") {
      guard let path = try constant(1).strings.first else { return }
      known[name] = try TFVocabulary(node).table(path, folder)
    } else {
      let (keys, values) = (try constant(1), try constant(2))
      known[name] = (
        try keys.reshaped([keys.count]), try values.reshaped([values.count])
      )
    }
  }
}
