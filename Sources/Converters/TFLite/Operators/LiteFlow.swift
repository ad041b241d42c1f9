import Graphs
import Tensors

/// Branches, loops, variables that are set once, tables.
enum LiteFlow {
  static let operators: [LiteOperator] = [
    .many("IF") { (c) throws(EngineError) in
      let session = c.session
      let (then, otherwise) = (try c.optionInt(0), try c.optionInt(1))
      return try FlowBranches.choose(
        try c.stored(0), try values(c, from: 1), session,
        then: { (v) throws(EngineError) in try session.results(of: then, v) },
        otherwise: { (v) throws(EngineError) in try session.results(of: otherwise, v) }
      ).map { .stored($0) }
    },
    .many("WHILE") { (c) throws(EngineError) in
      let session = c.session
      let (condition, body) = (try c.optionInt(0), try c.optionInt(1))
      let graph = try session.graph(body)
      let initial = try values(c, from: 0)
      return try FlowLoop(
        session, initial: initial,
        isKept: initial.indices.map {
          $0 < graph.inputs.count && $0 < graph.outputs.count
            && graph.inputs[$0] == graph.outputs[$0]
        },
        condition: { (v) throws(EngineError) in try session.results(of: condition, v) },
        body: { (v) throws(EngineError) in try session.results(of: body, v) }
      ).convert().map { .stored($0) }
    },
    .many("CALL_ONCE") { (c) throws(EngineError) in
      _ = try c.session.results(of: try c.optionInt(0), [])
      return []
    },
    .many("VAR_HANDLE") { (c) throws(EngineError) in
      [.stored(.variable(try c.node.options?.string(1) ?? ""))]
    },
    .many("ASSIGN_VARIABLE", "in the initialising subgraph") { (c) throws(EngineError) in
      guard case .variable(let name) = try c.value(0), c.session.variables[name] == nil,
        let value = c.b.known(try c.stored(1))
      else { throw EngineError(.unsupported, "a variable changes from run to run") }
      c.session.variables[name] = value
      return []
    },
    .many("READ_VARIABLE") { (c) throws(EngineError) in
      guard case .variable(let name) = try c.value(0), let value = c.session.variables[name]
      else { throw EngineError(.unsupported, "a variable is read that nothing sets") }
      return [.stored(.tensor(c.b.weight(name, value)))]
    },
    .many("HASHTABLE") { (c) throws(EngineError) in
      [.stored(.table("\(try c.optionInt(0))"))]
    },
    .many("HASHTABLE_IMPORT") { (c) throws(EngineError) in
      guard case .table(let name) = try c.value(0), let keys = c.b.known(try c.stored(1)),
        let values = c.b.known(try c.stored(2))
      else { throw EngineError(.unsupported, "the contents of a table depend on data") }
      c.session.tables[name] = (keys, values)
      return []
    },
    .plain("HASHTABLE_FIND") { (c) throws(EngineError) in
      guard case .table(let name) = try c.value(0), let table = c.session.tables[name],
        let rest = c.b.known(try c.stored(2)), rest.count == 1
      else { throw EngineError(.unsupported, "nothing in the model fills a table") }
      return try c.b.onnx(
        "LabelEncoder", [try c.stored(1)],
        [
          .tensor("keys_tensor", try table.keys.reshaped([table.keys.count])),
          .tensor("values_tensor", try table.values.reshaped([table.values.count])),
          .tensor("default_tensor", try rest.reshaped([1])),
        ], domain: "ai.onnx.ml")
    },
    .plain("HASHTABLE_SIZE") { (c) throws(EngineError) in
      guard case .table(let name) = try c.value(0), let table = c.session.tables[name] else {
        throw EngineError(.unsupported, "nothing in the model fills a table")
      }
      return try c.b.constant(try Tensor(shape: [1], [Int64(table.keys.count)]))
    },
  ]

  private static func values(_ c: LiteCall, from first: Int) throws(EngineError) -> [FlowValue] {
    var list: [FlowValue] = []
    for i in first..<max(first, c.count) { list.append(try c.value(i)) }
    return list
  }
}
