import Graphs
import Operators
import Tensors

/// One capture of a function of a model and a batch: the graph from batch, parameters and states
/// to results and the new states.
struct StepCapture {
  /// Inputs: the batch, the parameters, the states, and the state of random numbers where some are
  /// drawn. Outputs: the function's results, the states that it changed.
  private(set) var graph: Graph
  /// Places of states that the function changed.
  private(set) var changedStates: [Int] = []
  /// How many draws of random numbers one run makes.
  let randomCalls: Int
  private let parameterCount: Int
  private let batchCount: Int
  private let resultCount: Int

  /// - `isTraining`: whether modules behave so. - `isLoss`: whether the first result is a loss of
  ///   the trainable parameters, to be derived. - `parameters`: those that become inputs.
  init(
    _ model: Module, _ parameters: [Parameter], _ batch: [Tensor], _ names: [[String?]],
    isTraining: Bool = true, isLoss: Bool = true, _ function: ([Tensor]) throws -> [Tensor]
  ) throws {
    let context = TapeContext.current
    let states = model.states
    guard names.count == batch.count else {
      throw EngineError(
        .usage, "names of axes for another number of tensors", expected: "\(batch.count)",
        received: "\(names.count)")
    }
    let capture = Capture(
      generation: Capture.nextGeneration(), eager: context.eager, isForTraining: isTraining)
    let before = (parameters.map(\.value), states.map(\.value), context.capture)
    let pauses = context.pauses
    context.capture = capture
    context.pauses = 0
    defer {
      context.pauses = pauses
      for (p, v) in zip(parameters, before.0) { p.value = v }
      for (s, v) in zip(states, before.1) { s.value = v }
      context.capture = before.2
    }
    var inputs: [Tensor] = []
    for (i, t) in batch.enumerated() {
      let dims = (0..<t.shape.rank).map { axis in
        axis < names[i].count
          ? names[i][axis].map { Dim(symbol: $0) } ?? Dim(t.shape[axis]) : Dim(t.shape[axis])
      }
      inputs.append(capture.input("batch.\(i)", t, dims: dims))
    }
    func whole(_ t: Tensor) -> [Dim] { t.shape.array.map { Dim($0) } }
    for p in parameters {
      p.value = capture.input("parameter.\(p.name)", p.value.detached(), dims: whole(p.value))
    }
    for s in states {
      s.value = capture.input("state.\(s.name)", s.value.detached(), dims: whole(s.value))
    }
    let stateInputs = states.map(\.value.slot)
    let results = try context.paused { try inTraining(isTraining) { try function(inputs) } }
    try capture.check()
    var outputs: [ValueID] = []
    if isLoss, let y = results.first {
      try checkScalar(y)
      guard capture.isCaptured(y) else {
        throw EngineError(
          .usage, "the loss does not depend on the batch or the model",
          expected: "a loss computed from both")
      }
    }
    // A result that is an input, or stands twice, gets a value of its own.
    for y in results { outputs.append(try capture.builder.apply(Identity(), capture.value(y))) }
    for (i, s) in states.enumerated() where s.value.slot != stateInputs[i] {
      changedStates.append(i)
      outputs.append(try capture.value(s.value))
    }
    randomCalls = capture.randomCalls
    graph = capture.builder.graph
    graph.outputs = outputs
    graph.name = "step"
    parameterCount = parameters.count
    batchCount = batch.count
    resultCount = results.count
  }

  /// The graph with the gradients of the first result by each parameter behind the results, before
  /// the states.
  func withGradients() throws -> Graph {
    var g = graph
    let loss = g.outputs[0]
    if g.values[loss.index].name.isEmpty { g.values[loss.index].name = "loss" }
    let parameters = Array(g.inputs[batchCount..<batchCount + parameterCount])
    var node = Graph.Node(
      name: "gradient", type: "Gradient", domain: "ai.onnx.preview.training",
      attributes: [
        .strings("xs", parameters.map { g.name($0) }), .string("y", g.name(loss)),
      ], inputs: parameters, outputs: [])
    var made: [ValueID] = []
    for p in parameters {
      made.append(g.addValue("gradient of \(g.name(p))", g.values[p.index].fact))
    }
    node.outputs = made
    g.nodes.append(node)
    g.outputs = Array(g.outputs[..<resultCount]) + made + Array(g.outputs[resultCount...])
    return g
  }
}
