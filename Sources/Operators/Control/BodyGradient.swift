import Graphs
import Tensors

/// The graph that an operator holds, opened so that what computes its gradients can be added.
struct BodyGradient {
  let builder = GraphBuilder()
  /// The values that the body had as inputs and captures.
  let inputs: [ValueID]
  let captures: [ValueID]
  let outputs: [ValueID]
  private let nodes: [Graph.Node]

  /// - `captured`: what is known of the captured values.
  init(
    _ body: Graph, inputs facts: [Fact?], captured: [Fact]
  ) throws(EngineError) {
    var graph = body
    var known: [ValueID: Fact] = [:]
    for (id, fact) in zip(graph.inputs, facts) { known[id] = fact.map { Fact($0.type) } }
    for (id, fact) in zip(graph.captures, captured) { known[id] = Fact(fact.type) }
    // All operators are bound; the lookup is for what is not, which has no gradient anyway.
    try graph.inferFacts(
      using: OperatorSet.builtIn.lookup(opsets: [("", 25)]), inputs: known, options: .lenient)
    inputs = graph.inputs
    captures = graph.captures
    outputs = graph.outputs
    nodes = graph.nodes
    graph.nodes = []
    graph.inputs = []
    graph.outputs = []
    builder.graph = graph
  }

  /// Adds the body's nodes behind those that are there, and differentiates.
  func derive(
    seeds: [(value: ValueID, upstream: ValueID)], by xs: [ValueID]
  ) throws(EngineError) -> [ValueID: ValueID] {
    let first = builder.graph.nodes.count
    builder.graph.nodes += nodes
    return try differentiate(
      builder, Array(first..<(first + nodes.count)), seeds: seeds, by: xs)
  }

  /// A value from the graph around, as one more capture.
  func capture(_ fact: Fact) -> ValueID {
    let id = builder.graph.addValue("", Fact(fact.type))
    builder.graph.captures.append(id)
    return id
  }

  func input(_ fact: Fact) -> ValueID {
    let id = builder.graph.addValue("", Fact(fact.type))
    builder.graph.inputs.append(id)
    return id
  }

  func output(_ value: ValueID) throws(EngineError) {
    builder.graph.outputs.append(try builder.apply(Identity(), value))
  }

  /// The derivative by `value` as an output: zeros where nothing depends on it.
  func output(_ derivatives: [ValueID: ValueID], of value: ValueID) throws(EngineError) {
    if let found = derivatives[value] {
      try output(found)
    } else if case .sequence = builder.fact(of: value).type {
      try output(builder.zeroSequence(like: value))
    } else {
      try output(zeros(builder, like: value))
    }
  }

  /// Lets `value`, which was an input of the body, be what `made` is.
  func define(_ value: ValueID, as made: ValueID) {
    var node = Graph.Node(type: "Identity", inputs: [made], outputs: [value])
    node.op = Identity()
    builder.graph.nodes.append(node)
  }
}

extension GraphBuilder {
  /// Adds an operator that holds graphs.
  func add(
    _ op: any Operator, _ inputs: [ValueID?], captured: [ValueID], outputs facts: [Fact]
  ) -> [ValueID] {
    let results = facts.map { graph.addValue("", $0) }
    var node = Graph.Node(
      type: type(of: op).schema.name, attributes: op.attributes, inputs: inputs, outputs: results)
    node.captured = captured
    node.op = op
    graph.nodes.append(node)
    return results
  }
}

/// Errors: `.notDifferentiable`: outside of a graph Swift's own control flow is what is derived.
func onlyInGraphs(_ name: String) -> EngineError {
  EngineError(
    .notDifferentiable, "a graph within an operator is differentiated as part of a graph only",
    subject: .init(operatorName: name))
}
