import Graphs
import Operators
import Tensors

/// Operators that hold graphs.
enum TorchControl {
  static let operators: [TorchOperator] = [
    TorchOperator("higher_order.cond") { (c) throws(EngineError) in try choose(c) },
    TorchOperator("higher_order.while_loop") { (c) throws(EngineError) in try loop(c) },
    TorchOperator("higher_order.wrap_with_set_grad_enabled") { (c) throws(EngineError) in
      try inline(c, 1)
    },
    TorchOperator("higher_order.wrap_with_autocast") { (c) throws(EngineError) in
      guard case .scalar(.bool(false)) = try c.argument(at: 2) else {
        throw EngineError(
          .unsupported, "a region with autocast", hint: "export the model without autocast")
      }
      return try inline(c, 4)
    },
  ]

  private static func graph(_ c: TorchCall, _ i: Int) throws(EngineError) -> ExportedGraph {
    guard case .graph(let graph) = try c.argument(at: i) else {
      throw EngineError(.malformed, "argument \(i) is no graph")
    }
    return graph
  }

  /// The values of an argument that is a list of tensors and numbers.
  private static func values(_ c: TorchCall, _ i: Int) throws(EngineError) -> [TorchValue] {
    guard i < c.node.inputs.count else { return [] }
    var list: [TorchValue] = []
    switch try c.argument(at: i) {
    case .tensors(let names):
      for name in names {
        list.append(try name.map { (n) throws(EngineError) in try c.graph.value(n) } ?? .none)
      }
    case .scalars(let scalars): for s in scalars { list.append(try c.graph.value(s)) }
    case .tensor(let name): list.append(try c.graph.value(name))
    case .scalar(let scalar): list.append(try c.graph.value(scalar))
    case .none, .placement, .text, .scalarType: list.append(.none)
    default: throw EngineError(.unsupported, "an operand of a form without meaning here")
    }
    return list
  }

  /// Converts `graph` into `builder` with the values of its inputs, and gives those of its outputs.
  private static func convert(
    _ c: TorchCall, _ graph: ExportedGraph, _ inputs: [TorchValue], into builder: ConversionBuilder
  ) throws(EngineError) -> [TorchValue] {
    guard graph.inputs.count == inputs.count else {
      throw EngineError(
        .malformed, "a graph within does not take what it is given",
        expected: "\(graph.inputs.count)", received: "\(inputs.count)")
    }
    let inner = TorchGraph(
      graph, into: builder, parameters: builder === c.builder ? c.graph.parameters : nil)
    for (argument, value) in zip(graph.inputs, inputs) {
      for name in argument.names {
        inner.define(name, value)
        inner.fixed.insert(name)
      }
    }
    try inner.convert(graph)
    c.graph.unsupported.merge(inner.unsupported)
    c.graph.notes += inner.notes
    var results: [TorchValue] = []
    for output in graph.outputs {
      switch output {
      case .tensor(let name): results.append(try inner.value(name))
      case .scalar(let scalar): results.append(try inner.value(scalar))
      default: results.append(.none)
      }
    }
    return results
  }

  private static func inline(_ c: TorchCall, _ place: Int) throws(EngineError) -> [TorchValue] {
    var inputs: [TorchValue] = []
    for i in (place + 1)..<max(place + 1, c.node.inputs.count) { inputs += try values(c, i) }
    return try convert(c, try graph(c, place), inputs, into: c.builder)
  }

  // MARK: Graphs of their own

  /// A graph within, and the values around it that it uses.
  private struct Body {
    let builder = ConversionBuilder()
    var captured: [ValueID] = []
    private var inside: [ValueID: ValueID] = [:]

    /// The value as the graph within sees it.
    mutating func capture(_ value: TorchValue, of c: TorchCall) -> TorchValue {
      switch value {
      case .tensor(let id): return .tensor(capture(id, c))
      case .symbol(let id): return .symbol(capture(id, c))
      default: return value
      }
    }
    private mutating func capture(_ id: ValueID, _ c: TorchCall) -> ValueID {
      if let known = inside[id] { return known }
      var graph = builder.graph
      let made = graph.addValue("", Fact(c.builder.fact(of: id).type))
      graph.captures.append(made)
      builder.graph = graph
      inside[id] = made
      captured.append(id)
      return made
    }

    /// Makes `value` an output. What the graph only passes on is copied.
    func output(_ value: TorchValue, of c: TorchCall) throws(EngineError) {
      let id: ValueID
      switch value {
      case .tensor(let tensor): id = tensor
      case .symbol(let symbol): id = try builder.apply(Squeeze(), symbol, try builder.ints([0]))
      case .number(let n): id = try builder.constant(try TorchScalar.tensor(n, n.dtype))
      case .none: throw EngineError(.unsupported, "a graph within gives None")
      }
      try builder.output(builder.unique("result"), try builder.apply(Identity(), id))
    }
  }

  private static func declared(_ c: TorchCall) throws(EngineError) -> [Fact] {
    var facts: [Fact] = []
    for name in c.node.outputs.flatMap(\.names) {
      if let stated = c.graph.described[name] {
        facts.append(Fact(stated.dtype, stated.dims))
      } else {
        facts.append(Fact(.int64, []))
      }
    }
    return facts
  }

  /// Adds a node with graphs; its results have the types that the file states.
  private static func add(
    _ c: TorchCall, _ type: String, _ attributes: [Attribute], _ inputs: [ValueID?],
    captured: [ValueID]
  ) throws(EngineError) -> [TorchValue] {
    var graph = c.builder.graph
    let outputs = try declared(c).map { graph.addValue("", $0) }
    var node = Graph.Node(
      name: c.builder.unique(c.builder.scope), type: type, attributes: attributes, inputs: inputs,
      outputs: outputs)
    node.captured = captured
    graph.nodes.append(node)
    c.builder.graph = graph
    return outputs.map { .tensor($0) }
  }

  private static func choose(_ c: TorchCall) throws(EngineError) -> [TorchValue] {
    let condition = try c.tensor(try c.argument(at: 0), "pred")
    let operands = try values(c, 3)
    var bodies: [Body] = []
    for place in [1, 2] {
      var body = Body()
      let inputs = operands.map { body.capture($0, of: c) }
      let scope = c.builder.scope
      for result in try convert(c, try graph(c, place), inputs, into: body.builder) {
        try body.output(result, of: c)
      }
      c.builder.scope = scope
      bodies.append(body)
    }
    return try add(
      c, "If",
      [
        .graph("then_branch", bodies[0].builder.graph),
        .graph("else_branch", bodies[1].builder.graph),
      ], [condition], captured: bodies[0].captured + bodies[1].captured)
  }

  /// While a condition of the carried values holds.
  private static func loop(_ c: TorchCall) throws(EngineError) -> [TorchValue] {
    let (test, step) = (try graph(c, 0), try graph(c, 1))
    let carried = try values(c, 2)
    let around = try values(c, 3)
    let first = try convert(c, test, carried + around, into: c.builder)
    guard case .tensor(let begins)? = first.first else {
      throw EngineError(.malformed, "the loop's condition is no tensor")
    }
    var body = Body()
    _ = body.builder.input("iteration", Fact(.int64, []))
    _ = body.builder.input("condition", Fact(.bool, []))
    var inner: [TorchValue] = []
    var outer: [ValueID?] = [nil, begins]
    for (i, value) in carried.enumerated() {
      guard case .tensor(let id) = value else {
        throw EngineError(.unsupported, "a loop that carries numbers")
      }
      outer.append(id)
      inner.append(.tensor(body.builder.input("carried_\(i)", Fact(c.builder.fact(of: id).type))))
    }
    let captured = around.map { body.capture($0, of: c) }
    let next = try convert(c, step, inner + captured, into: body.builder)
    for result in try convert(c, test, next + captured, into: body.builder) {
      try body.output(result, of: c)
    }
    for result in next { try body.output(result, of: c) }
    return try add(
      c, "Loop", [.graph("body", body.builder.graph)], outer, captured: body.captured)
  }
}
