import Graphs
import Operators
import Tensors

/// One capture of a loss: the graph from batch, parameters and states to the loss and the new
/// states.
struct StepCapture {
  private(set) var graph: Graph
  /// Places of states that the function changed.
  private(set) var changedStates: [Int] = []
  private let parameterCount: Int
  private let batchCount: Int
  private let loss: ValueID

  init<M: Module>(
    _ model: M, _ batch: [Tensor], _ names: [[String?]], _ function: ([Tensor]) throws -> Tensor
  ) throws {
    let context = TapeContext.current
    let parameters = model.trainableParameters
    let states = model.states
    guard !parameters.isEmpty else {
      throw EngineError(.usage, "the model has nothing to train", expected: "a trainable parameter")
    }
    guard names.count == batch.count else {
      throw EngineError(
        .usage, "names of axes for another number of tensors", expected: "\(batch.count)",
        received: "\(names.count)")
    }
    let capture = Capture(
      generation: Capture.nextGeneration(), eager: context.eager, isForTraining: true)
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
    let y = try context.paused { try inTraining { try function(inputs) } }
    try capture.check()
    try checkScalar(y)
    guard capture.isCaptured(y) else {
      throw EngineError(
        .usage, "the loss does not depend on the batch or the model",
        expected: "a loss computed from both")
    }
    loss = try capture.value(y)
    var outputs = [loss]
    for (i, s) in states.enumerated() where s.value.slot != stateInputs[i] {
      changedStates.append(i)
      outputs.append(try capture.value(s.value))
    }
    graph = capture.builder.graph
    graph.outputs = outputs
    graph.name = "step"
    parameterCount = parameters.count
    batchCount = batch.count
  }

  /// The graph with the gradients of the loss by each parameter as outputs behind the loss, before
  /// the states.
  func withGradients() throws -> Graph {
    var g = graph
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
    g.outputs = [loss] + made + g.outputs.dropFirst()
    return g
  }
}
