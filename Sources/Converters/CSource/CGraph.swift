import Compiler
import Graphs
import Operators
import Tensors

/// A model's graph as C source is written of it: constants folded, quantised pairs joined, every
/// size known, every operator one of `COperators` or a view.
struct CGraph {
  private(set) var graph: Graph
  private let constants: [ValueID: Tensor]

  /// Errors: `.usage` for open sizes, `.unsupported` listing all parts that C source does not have.
  init(_ model: ModelGraph, operators: OperatorSet = .builtIn) throws(EngineError) {
    var plain = try model.inliningFunctions(using: operators.lookup(opsets: model.opsets))
    let lookup = operators.lookup(opsets: plain.opsets)
    // Weights that are inputs as well are taken as fixed.
    let defaults = Set(plain.graph.initializers.map(\.id))
    plain.graph.inputs.removeAll { defaults.contains($0) }
    try Self.checkSizes(plain.graph)
    var graph = plain.graph
    try graph.inferFacts(using: lookup)
    let editor = GraphEditor(graph, using: lookup)
    try CQuantizedForms.run(editor)
    graph = editor.finish()
    let options = PassOptions(level: .basic, lastStage: .rewriting)
    graph = try Compiler.Optimizer(options).run(graph, using: lookup)
    graph = try Self.expanded(graph, lookup)
    try graph.inferFacts(using: lookup)
    var constants: [ValueID: Tensor] = [:]
    for (id, tensor) in graph.initializers { constants[id] = tensor }
    for (i, value) in graph.values.enumerated() {
      if let tensor = value.fact.constant, constants[ValueID(i)] == nil {
        constants[ValueID(i)] = tensor
      }
    }
    // What is known makes no code.
    graph.nodes.removeAll { node in
      node.outputs.allSatisfy { $0.map { constants[$0] != nil } ?? true }
    }
    self.graph = graph
    self.constants = constants
    try checkParts()
  }

  private static func checkSizes(_ graph: Graph) throws(EngineError) {
    let open = graph.inputs.filter { graph.values[$0.index].fact.tensorType == nil }
    guard open.isEmpty else {
      let list = open.map { id -> String in
        let dims = graph.values[id.index].fact.dims
        return "'\(graph.name(id))' \(dims.map { "\($0)" } ?? "of unknown rank")"
      }
      throw EngineError(
        .usage, "C source needs every size", received: "open: " + list.joined(separator: ", "),
        hint: "give sizes with --shape")
    }
  }

  /// Operators that are formulas over others, written out.
  private static func expanded(
    _ start: Graph, _ lookup: OperatorLookup
  ) throws(EngineError) -> Graph {
    let editor = GraphEditor(start, using: lookup)
    // Formulas may hold further ones.
    for _ in 0..<8 {
      let before = editor.changes
      for i in editor.nodes where editor.isLive(i) {
        let node = editor.node(i)
        guard let op = node.op, COperators.all[node.type] == nil || !node.domain.isEmpty,
          !COperators.views.contains(node.type)
        else { continue }
        try expand(editor, i, node, op)
      }
      if editor.changes == before { break }
    }
    return editor.finish()
  }

  private static func expand(
    _ g: GraphEditor, _ i: Int, _ node: Graph.Node, _ op: any Operator
  ) throws(EngineError) {
    let b = GraphBuilder()
    let ids = node.inputs.map { id in
      id.map { b.graph.addInput("", g.constant($0).map { Fact(constant: $0) } ?? g.fact($0)) }
    }
    let made: Few<ValueID>
    if let op = op as? any FormulaGradient {
      guard let list = try? op.formula(b, Few(ids), outputs: node.outputs.count) else { return }
      made = list
    } else if let op = op as? any CompositeOperator {
      guard let list = try? op.build(b, Few(ids), outputs: node.outputs.count) else { return }
      made = list
    } else {
      return
    }
    var known: [ValueID: ValueID] = [:]
    for (outer, inner) in zip(node.inputs, ids) { if let outer, let inner { known[inner] = outer } }
    for (id, tensor) in b.graph.initializers { known[id] = g.addConstant(tensor) }
    for inner in b.graph.nodes {
      guard let op = inner.op else { return }
      let inputs = inner.inputs.map { $0.flatMap { known[$0] } }
      let results = try g.add(
        op, inputs, outputs: inner.outputs.count, at: i, name: node.name)
      for (id, result) in zip(inner.outputs, results) { if let id { known[id] = result } }
    }
    var copies: [(old: ValueID, new: ValueID)] = []
    for (k, old) in node.outputs.enumerated() {
      guard let old, k < made.count, let new = known[made[k]] else { continue }
      if !g.replace(old, with: new) { copies.append((old, new)) }
    }
    g.remove(i)
    for (old, new) in copies {
      var copy = Graph.Node(type: "Identity", inputs: [new], outputs: [old])
      copy.op = Identity()
      g.append(copy, at: i)
    }
  }

  private func checkParts() throws(EngineError) {
    var parts = UnsupportedParts()
    for (i, node) in graph.nodes.enumerated() {
      let place = graph.nodeName(i)
      let name = node.domain.isEmpty ? node.type : "\(node.domain).\(node.type)"
      if !node.domain.isEmpty || COperators.all[node.type] == nil,
        !COperators.views.contains(node.type)
      {
        parts.add(name, at: place, "not among `dlrun convert --list c`")
        continue
      }
      for case let id? in node.inputs + node.outputs {
        guard let type = graph.values[id.index].fact.tensorType else {
          parts.add(name, at: place, "its sizes depend on data")
          continue
        }
        if CType.name(type.dtype) == nil { parts.add(name, at: place, "values of \(type.dtype)") }
        if type.count > Int(Int32.max) {
          parts.add(name, at: place, "a value of over 2^31 elements")
        }
      }
    }
    try parts.check(.onnx)
  }

  /// The value as code sees it; nil where its sizes are not known.
  func value(_ id: ValueID) -> CValue? {
    if let tensor = constants[id] { return CValue(type: tensor.type, constant: tensor) }
    guard let type = graph.values[id.index].fact.tensorType else { return nil }
    return CValue(type: type, constant: nil)
  }
}
