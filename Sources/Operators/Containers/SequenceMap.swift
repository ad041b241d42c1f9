import Graphs
import Tensors

/// Runs a graph on each element of a sequence.
///
/// - `input_sequence`: a sequence. `additional_inputs...`: sequences of as many elements, taken
///   element by element, and tensors, given to every run.
/// - `body`: takes as many values as there are inputs and gives as many as there are outputs.
/// - Outputs: sequences with an element of each run.
/// - Errors: `.arity` when the body does not fit, `.shape` when sequences differ in length.
/// - Source: ONNX SequenceMap 17.
public struct SequenceMap: Operator {
  public let body: Subgraph

  public static let schema = Schema(
    "SequenceMap", versions: [17],
    inputs: [
      Parameter("input_sequence", Containers.types, "S", containers: true),
      .variadic("additional_inputs", Containers.types, "", containers: true),
    ],
    outputs: [.variadic("out_sequence", Containers.types, "", containers: true)],
    attributes: [AttributeSpec("body", .graph, "runs on each element")], isDifferentiable: true,
    cases: { [] })

  public init(body: Graph) { self.body = Subgraph(body) }

  public init(reading a: AttributeReader) throws(EngineError) {
    body = Subgraph(try a.graph("body"))
    guard body.graph.inputs.count == a.inputCount, body.graph.outputs.count == a.outputCount else {
      throw EngineError(
        .arity, "the body does not fit the node",
        expected: "\(a.inputCount) inputs and \(a.outputCount) outputs",
        received: "\(body.graph.inputs.count) and \(body.graph.outputs.count)")
    }
  }

  public var attributes: [Attribute] { [.graph("body", body.graph)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    var inputs: [Fact?] = []
    for fact in c.inputs {
      guard case .sequence(let t)? = fact?.type else {
        inputs.append(fact)
        continue
      }
      inputs.append(Fact(t?.opened(c) ?? .tensor(nil, nil)))
    }
    return try c.subgraph(body.graph, inputs, c.captured).map { Fact(.sequence($0.type)) }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    guard let runner = e.runner else {
      throw EngineError(.unsupported, "a graph cannot run here")
    }
    let count = try e.sequence(0).count
    for (i, input) in e.inputs.enumerated() {
      guard case .sequence(let list)? = input, list.count != count else { continue }
      throw EngineError(
        .shape, "input \(i) has another number of elements", expected: "\(count)",
        received: "\(list.count)")
    }
    let outputs = body.graph.outputs.count
    var lists = [[Value]](repeating: [], count: outputs)
    for k in 0..<count {
      try runner.checkCancellation()
      let inputs = e.inputs.map { (v) -> Value? in
        if case .sequence(let list)? = v { list[k] } else { v }
      }
      let results = try runner.run(body, inputs: inputs, captured: e.captured)
      for i in 0..<outputs {
        guard i < results.count, let r = results[i] else {
          throw EngineError(.invalidModel, "the body gave no output \(i)")
        }
        lists[i].append(r)
      }
    }
    return lists.map { .sequence($0) }
  }
}

extension SequenceMap {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  /// The body differentiated, run on each element with the gradients of what it made of it. What
  /// all elements share gets the sum.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    var sequences: [Bool] = []
    var facts: [Fact?] = []
    for i in 0..<g.inputs.count {
      let fact = b.fact(of: try g.input(i))
      if case .sequence(let type) = fact.type {
        sequences.append(true)
        facts.append(Fact(type ?? .tensor(nil, nil)))
      } else {
        sequences.append(false)
        facts.append(fact)
      }
    }
    let open = try BodyGradient(
      body.graph, inputs: facts, captured: g.captured.map { b.fact(of: $0) })
    // All inputs of the body again, then the gradients by its outputs.
    open.builder.graph.inputs = open.inputs
    var given = g.inputs.array
    var seeds: [(value: ValueID, upstream: ValueID)] = []
    for k in 0..<g.outputs.count {
      guard let up = g.upstreams[k] else { continue }
      seeds.append(
        (open.outputs[k], open.input(Fact(b.fact(of: up).elementType ?? .tensor(nil, nil)))))
      given.append(up)
    }
    let wanted = (0..<g.inputs.count).filter { g.needs($0) }
    let captured = g.captured.indices.filter { g.needsCaptured($0) }
    let targets = wanted.map { open.inputs[$0] } + captured.map { open.captures[$0] }
    if targets.isEmpty { return }
    let derivatives = try open.derive(seeds: seeds, by: targets)
    var results: [Fact] = []
    for target in targets {
      try open.output(derivatives, of: target)
      results.append(Fact(.sequence(open.builder.fact(of: target).type)))
    }
    let made = b.add(
      SequenceMap(body: open.builder.graph), given, captured: g.captured, outputs: results)
    func total(_ parts: ValueID) throws(EngineError) -> ValueID {
      let stack = try b.apply(ConcatFromSequence(axis: 0, stacks: true), parts)
      return try Operators.sum(b, stack, [0], keepDims: false)
    }
    for (n, i) in wanted.enumerated() {
      g.give(i, sequences[i] ? made[n] : try total(made[n]))
    }
    for (n, i) in captured.enumerated() {
      g.giveCaptured(i, try total(made[wanted.count + n]))
    }
  }
}
