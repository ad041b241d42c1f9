import Graphs
import Tensors

/// The gradients of a graph run step by step, as Loop and Scan run it: the values carried are kept
/// for every step, and a loop goes through the steps from the last to the first, computing each
/// once more and handing the gradients of the carried values back.
struct StepsGradient {
  /// What a step reads of, or adds to, a value of the graph around: one place along an axis.
  struct Slices {
    /// The place among the body's inputs or outputs.
    let port: Int
    /// For an input the value, for an output its gradient.
    let value: ValueID
    let axis: Int
    /// Whether the last place belongs to the first step.
    let isReversed: Bool
    var isWanted = true
  }

  let b: GraphBuilder
  let body: Graph
  /// The number of steps, int64 without axes.
  let count: ValueID
  /// The body's first carried input and output.
  let firstInput: Int
  let firstOutput: Int
  /// For each carried value what it was before each step, `[steps, ...]`, its last gradient and
  /// whether its first one is wanted.
  var carried: [(kept: ValueID, up: ValueID?)]
  var slicedInputs: [Slices] = []
  var slicedOutputs: [Slices] = []
  /// The body's inputs for the number of the step and the condition.
  var numberInput: Int?
  var conditionInput: Int?
  let captured: [ValueID]
  let wantedCaptured: [Int]

  struct Result {
    /// By the first values of those carried, nil where they are no floats.
    var carried: [ValueID?] = []
    /// By captured values, in the order of `wantedCaptured`.
    var captured: [ValueID] = []
    /// By sliced inputs that are wanted, stacked along axis 0 from the last step to the first.
    var sliced: [ValueID] = []
  }

  private func isReal(_ fact: Fact) -> Bool { fact.dtype?.isFloat == true }

  private func stepFact(_ value: ValueID, axis: Int) throws(EngineError) -> Fact {
    let fact = b.fact(of: value)
    guard var dims = fact.dims else {
      throw EngineError(.notDifferentiable, "the rank of a value that steps use is not known")
    }
    dims.remove(at: try normalisedAxis(axis, rank: dims.count))
    return Fact(fact.dtype, dims)
  }

  func build() throws(EngineError) -> Result {
    var facts = [Fact?](repeating: nil, count: body.inputs.count)
    if let numberInput { facts[numberInput] = Fact(.int64, []) }
    if let conditionInput { facts[conditionInput] = Fact(.bool, []) }
    for (k, c) in carried.enumerated() {
      facts[firstInput + k] = try stepFact(c.kept, axis: 0)
    }
    for s in slicedInputs { facts[s.port] = try stepFact(s.value, axis: s.axis) }
    let open = try BodyGradient(body, inputs: facts, captured: captured.map { b.fact(of: $0) })
    let inner = open.builder
    var outside = captured

    func capture(_ value: ValueID) -> ValueID {
      outside.append(value)
      return open.capture(b.fact(of: value))
    }
    // The loop's own inputs.
    let step = open.input(Fact(.int64, []))
    let goesOn = open.input(Fact(.bool, []))
    let real = carried.indices.filter { k in facts[firstInput + k].map(isReal) ?? false }
    var downs: [(value: ValueID, upstream: ValueID)] = []
    for k in real {
      let fact = facts[firstInput + k] ?? Fact(nil, nil)
      downs.append((open.outputs[firstOutput + k], open.input(fact)))
    }
    let sums = wantedCaptured.map { open.input(b.fact(of: captured[$0])) }

    // What the step saw when it ran.
    let one = try inner.constant(Tensor(scalar: Int64(1)))
    let last = try inner.apply(Sub(), capture(count), one)
    let place = try inner.apply(Sub(), last, step)
    func at(_ s: Slices) throws(EngineError) -> ValueID {
      let outer = capture(s.value)
      let axis = try normalisedAxis(s.axis, rank: knownRank(inner, outer))
      return try inner.apply(Gather(axis: axis), outer, s.isReversed ? step : place)
    }
    if let numberInput { open.define(open.inputs[numberInput], as: place) }
    if let conditionInput {
      open.define(open.inputs[conditionInput], as: try inner.constant(Tensor(scalar: true)))
    }
    for (k, c) in carried.enumerated() {
      open.define(
        open.inputs[firstInput + k], as: try inner.apply(Gather(), capture(c.kept), place))
    }
    for s in slicedInputs { open.define(open.inputs[s.port], as: try at(s)) }
    for s in slicedOutputs { downs.append((open.outputs[s.port], try at(s))) }

    let wantedSlices = slicedInputs.filter { $0.isWanted && isReal(b.fact(of: $0.value)) }
    let targets =
      real.map { open.inputs[firstInput + $0] } + wantedCaptured.map { open.captures[$0] }
      + wantedSlices.map { open.inputs[$0.port] }
    let derivatives = try open.derive(seeds: downs, by: targets)

    try open.output(goesOn)
    for k in real {
      try open.output(derivatives, of: open.inputs[firstInput + k])
    }
    for (sum, i) in zip(sums, wantedCaptured) {
      if let part = derivatives[open.captures[i]] {
        try open.output(plus(inner, sum, part))
      } else {
        try open.output(sum)
      }
    }
    for s in wantedSlices {
      try open.output(derivatives, of: open.inputs[s.port])
    }

    // Around the loop: gradients of the last values, zeros to add to.
    var first: [ValueID?] = [count, nil]
    var results: [Fact] = []
    for k in real {
      let start = try inner0(k)
      first.append(start)
      results.append(Fact(b.fact(of: start).type))
    }
    for i in wantedCaptured {
      first.append(try zeros(b, like: captured[i]))
      results.append(Fact(b.fact(of: captured[i]).type))
    }
    for s in wantedSlices {
      let fact = try stepFact(s.value, axis: s.axis)
      let steps = b.fact(of: s.value).dims.map { dims in
        dims[s.axis < 0 ? s.axis + dims.count : s.axis]
      }
      results.append(Fact(fact.dtype, fact.dims.map { [steps ?? 0] + $0 }))
    }
    let made = b.add(
      Loop(body: inner.graph), first, captured: outside, outputs: results)
    var result = Result(carried: carried.map { _ in nil })
    for (n, k) in real.enumerated() { result.carried[k] = made[n] }
    result.captured = Array(made[real.count..<(real.count + wantedCaptured.count)])
    result.sliced = Array(made[(real.count + wantedCaptured.count)...])
    return result
  }

  /// The gradient by the last value of carried value `k`.
  private func inner0(_ k: Int) throws(EngineError) -> ValueID {
    if let up = carried[k].up { return up }
    // Of the shape of a step's value, without asking what it is.
    let sizes = try b.apply(ShapeOp(start: 1), carried[k].kept)
    guard let dtype = b.fact(of: carried[k].kept).dtype else {
      throw EngineError(.notDifferentiable, "the type of a carried value is not known")
    }
    return try b.apply(ConstantOfShape(zero(dtype)), sizes)
  }
}

/// `body` with more outputs: the values of some of its inputs, one a step.
func keepingInputs(_ body: Graph, _ ports: [Int]) -> Graph {
  var graph = body
  for port in ports {
    let copy = graph.addValue("", graph.values[graph.inputs[port].index].fact)
    var node = Graph.Node(type: "Identity", inputs: [graph.inputs[port]], outputs: [copy])
    node.op = Identity()
    graph.nodes.append(node)
    graph.outputs.append(copy)
  }
  return graph
}
