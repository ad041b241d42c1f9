import Graphs
import Operators
import Tensors

/// Choices between branches as `If`.
enum FlowBranches {
  /// A branch: its results, in the graph that is being recorded when it is called.
  typealias Branch = ([FlowValue]) throws(EngineError) -> [FlowValue]

  /// The results of `then` where `condition` holds, else those of `otherwise`.
  ///
  /// A condition that is known chooses at once. Results must be tensors, or the same handle in
  /// both branches.
  static func choose(
    _ condition: ValueID, _ arguments: [FlowValue], _ session: FlowSession, then: Branch,
    otherwise: Branch
  ) throws(EngineError) -> [FlowValue] {
    let b = session.builder
    if let t = b.known(condition), let first = try NumberTensor.doubles(t).first, t.count == 1 {
      return first != 0 ? try then(arguments) : try otherwise(arguments)
    }
    let name = b.scope
    let given = try session.read(arguments)
    let a = try record(given, then, session)
    let c = try record(given, otherwise, session)
    b.scope = name
    guard a.results.count == c.results.count else {
      throw EngineError(
        .invalidModel, "branches have different numbers of results",
        expected: "\(a.results.count)", received: "\(c.results.count)")
    }
    guard a.graph.outputs.count == c.graph.outputs.count else {
      throw EngineError(.unsupported, "branches give different kinds of values")
    }
    let made = try b.apply(
      try If(
        reading: AttributeReader(
          "If", opset: ConversionBuilder.namingOpset,
          attributes: [.graph("then_branch", a.graph), .graph("else_branch", c.graph)])),
      inputs: [try scalarBool(condition, b)], captured: a.captured + c.captured,
      outputs: a.graph.outputs.count)
    var next = 0
    var values: [FlowValue] = []
    for (x, y) in zip(a.results, c.results) {
      switch (x, y) {
      case (.tensor, .tensor):
        values.append(.tensor(made[next]))
        next += 1
      case (.list(var list), .list):
        list.state = .stacked(made[next])
        values.append(.list(list))
        next += 1
      case (.variable(let m), .variable(let n)) where m == n: values.append(x)
      case (.table(let m), .table(let n)) where m == n: values.append(x)
      case (.nothing, .nothing): values.append(.nothing)
      default: throw EngineError(.unsupported, "branches give different kinds of values")
      }
    }
    return values
  }

  private static func record(
    _ arguments: [FlowValue], _ branch: Branch, _ session: FlowSession
  ) throws(EngineError) -> (graph: Graph, captured: [ValueID], results: [FlowValue]) {
    var results: [FlowValue] = []
    let (graph, captured) = try session.nested { () throws(EngineError) in
      try session.builder.recording { () throws(EngineError) in
        var inner: [FlowValue] = []
        for v in arguments { inner.append(try session.captured(v)) }
        results = try session.read(try branch(inner))
        for r in results {
          if case .tensor(let id) = r { try session.builder.result(id) }
          if case .list(let list) = r {
            guard case .stacked(let id) = list.state else {
              throw EngineError(.unsupported, "a branch gives a list that nobody wrote yet")
            }
            try session.builder.result(id)
          }
        }
      }
    }
    return (graph, captured, results)
  }

  /// TensorFlow takes numbers and empty tensors as conditions; here a bool scalar is wanted.
  static func scalarBool(_ value: ValueID, _ b: ConversionBuilder) throws(EngineError) -> ValueID {
    let flag = try b.cast(value, .bool)
    if b.fact(of: flag).rank == 0 { return flag }
    return try b.reshape(flag, [])
  }

  /// A chain of choices: the first of `branches` where `number` is `first`, the second where it is
  /// one more, the last one otherwise.
  static func select(
    _ branches: ArraySlice<Branch>, from first: Int, _ number: ValueID, _ arguments: [FlowValue],
    _ session: FlowSession
  ) throws(EngineError) -> [FlowValue] {
    guard let branch = branches.first else {
      throw EngineError(.invalidModel, "there are no branches")
    }
    if branches.count == 1 { return try branch(arguments) }
    let b = session.builder
    let isThis = try b.onnx("Equal", [number, try b.number(Double(first), like: number)])
    return try choose(
      isThis, [.tensor(number)] + arguments, session,
      then: { (v) throws(EngineError) in try branch(Array(v.dropFirst())) },
      otherwise: { (v) throws(EngineError) in
        guard case .tensor(let inner)? = v.first else { return [] }
        return try select(
          branches.dropFirst(), from: first + 1, inner, Array(v.dropFirst()), session)
      })
  }
}
