import Compiler
import Formats
import Graphs
import Operators
import Runtime
import Tensors

/// Writes what a function of this model computes as an ONNX file, and proves it: the file is read
/// back, run by this project's runtime on batches of three sizes, and compared.
///
/// Parameters become initialisers under their paths, nodes are named by layer and operator, and
/// the axes that vary stay symbolic. Modules behave as at inference.
///
/// ```swift
/// try exportONNX(model, to: "net.onnx", inputs: [("x", x)]) { model, inputs in
///   [("y", try model(inputs[0]))]
/// }
/// ```
///
/// - `inputs`: a name and an example of each. - `symbols`: for each input names of the axes that
///   vary, nil for those that do not; by default the first axis of each is `batch`.
/// - `tolerance`: the largest difference allowed, relative to the largest element.
/// - Errors: `.usage` for functions that depend on values or sizes, as for `CompiledStep`;
///   `.internalDefect` when the file computes something else, which is then removed;
///   `.unsupported` for operators without a standard form; `.cannotCreate`, `.io`.
public func exportONNX<M: Module>(
  _ model: M, to path: String, inputs: [(name: String, value: Tensor)],
  symbols: [[String?]]? = nil, tolerance: Double = 1e-5, file: StaticString = #fileID,
  line: UInt = #line, _ function: (M, [Tensor]) throws -> [(name: String, value: Tensor)]
) throws {
  try located(file, line) {
    let model = try exported(model, inputs, symbols, tolerance, function)
    let target = try AtomicFile(path)
    try target.write(ONNXWriter.bytes(model))
    try target.commit()
  }
}

/// What `exportONNX` writes, as a graph to add to: it is proved in the same way.
public func exportedModel<M: Module>(
  _ model: M, inputs: [(name: String, value: Tensor)], symbols: [[String?]]? = nil,
  tolerance: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line,
  _ function: (M, [Tensor]) throws -> [(name: String, value: Tensor)]
) throws -> ModelGraph {
  try located(file, line) { try exported(model, inputs, symbols, tolerance, function) }
}

private func exported<M: Module>(
  _ model: M, _ inputs: [(name: String, value: Tensor)], _ symbols: [[String?]]?,
  _ tolerance: Double, _ function: (M, [Tensor]) throws -> [(name: String, value: Tensor)]
) throws -> ModelGraph {
  let batch = inputs.map(\.value)
  let axes = symbols ?? batch.map { $0.shape.rank > 0 ? ["batch"] : [] }
  let names = inputs.map(\.name)
  let sizes = try [batch, resized(batch, axes, by: 1), resized(batch, axes, by: 3)]
  let graph = try captured(model, names, sizes[0], axes, function)
  try GraphComparison(
    first: graph, second: try captured(model, names, sizes[1], axes, function)
  ).check()
  let made = try standard(graph)
  let session = try Session(try ONNXReader.read(bytes: ONNXWriter.bytes(made)))
  for batch in sizes {
    let wanted = try inTraining(false) { try withoutGradient { try function(model, batch) } }
    let got = try session.run(ordered: batch.map { .tensor($0) })
    for (w, value) in zip(wanted, got) {
      guard let g = try value?.asTensor() else { continue }
      try compare(w.name, w.value, g, tolerance)
    }
  }
  return made
}

private func compare(
  _ name: String, _ wanted: Tensor, _ got: Tensor, _ tolerance: Double
) throws {
  var (worst, largest) = (0.0, 0.0)
  var fits = wanted.type == got.type
  for i in 0..<wanted.count where fits {
    guard let a = wanted.asDouble(i), let b = got.asDouble(i) else { continue }
    if a == b || a.isNaN && b.isNaN { continue }
    worst = max(worst, abs(a - b))
    largest = max(largest, abs(a))
    if !(abs(a - b) < .infinity) { fits = false }
  }
  guard fits, worst <= tolerance * max(largest, 1e-30) else {
    throw EngineError(
      .internalDefect, "the exported '\(name)' differs from the model's",
      expected: "\(wanted.type) within \(tolerance) of the largest element",
      received: "\(got.type), a difference of \(worst)")
  }
}

/// The graph as other runtimes load it: as it was captured where an opset has all its operators,
/// the oldest that does, since more runtimes know it.
private func standard(_ graph: Graph) throws -> ModelGraph {
  var graph = graph
  let stored = hideStored(&graph)
  var made = ModelGraph(graph)
  made.producerName = "dlrun"
  let hasClassical = graph.nodes.contains { $0.domain == "ai.onnx.ml" }
  var failure: (any Error)?
  for opset in [17, 20, 23] {
    made.opsets = [("", opset), ("ai.dlrun", 1)]
    if hasClassical { made.opsets.append(("ai.onnx.ml", 4)) }
    do {
      let optimizer = Compiler.Optimizer(PassOptions(level: .basic))
      return restored(try optimizer.saved(made), stored)
    } catch { failure = failure ?? error }
  }
  do {
    return restored(try Compiler.Optimizer(PassOptions(level: .all)).saved(made), stored)
  } catch { throw failure ?? error }
}

/// Makes integers that are dequantised inputs of the graph, so that passes do not compute floats of
/// them: a quarter of the bytes is stored, and runtimes make integer kernels of what they find.
private func hideStored(_ graph: inout Graph) -> [(name: String, tensor: Tensor)] {
  var wanted: Set<ValueID> = []
  for node in graph.nodes where node.type == "DequantizeLinear" && normalisedIsPlain(node.domain) {
    if case let id?? = node.inputs.first { wanted.insert(id) }
  }
  let hidden = graph.initializers.filter { wanted.contains($0.id) }
  graph.initializers.removeAll { wanted.contains($0.id) }
  graph.inputs += hidden.map(\.id)
  return hidden.map { (graph.name($0.id), $0.tensor) }
}

private func normalisedIsPlain(_ domain: String) -> Bool { domain.isEmpty || domain == "ai.onnx" }

/// The model with the integers as initialisers again.
private func restored(
  _ model: ModelGraph, _ stored: [(name: String, tensor: Tensor)]
) -> ModelGraph {
  guard !stored.isEmpty else { return model }
  var made = model
  for (name, tensor) in stored {
    guard let i = made.graph.inputs.firstIndex(where: { made.graph.name($0) == name }) else {
      continue
    }
    made.graph.initializers.append((made.graph.inputs.remove(at: i), tensor))
  }
  return made
}

/// The graph of a function at inference, parameters and states as initialisers.
private func captured<M: Module>(
  _ model: M, _ names: [String], _ batch: [Tensor], _ axes: [[String?]],
  _ function: (M, [Tensor]) throws -> [(name: String, value: Tensor)]
) throws -> Graph {
  let context = TapeContext.current
  let capture = Capture(
    generation: Capture.nextGeneration(), eager: context.eager, isForTraining: false)
  capture.isExport = true
  let parameters = model.parameters
  let states = model.states
  let before = (parameters.map(\.value), states.map(\.value), context.capture)
  context.capture = capture
  defer {
    for (p, v) in zip(parameters, before.0) { p.value = v }
    for (s, v) in zip(states, before.1) { s.value = v }
    context.capture = before.2
  }
  var inputs: [Tensor] = []
  for (i, t) in batch.enumerated() {
    let dims = (0..<t.shape.rank).map { axis in
      axis < axes[i].count
        ? axes[i][axis].map { Dim(symbol: $0) } ?? Dim(t.shape[axis]) : Dim(t.shape[axis])
    }
    inputs.append(capture.input(names[i], t, dims: dims))
  }
  for p in parameters {
    let value = p.value.detached()
    p.value = capture.tensor(value, for: capture.builder.graph.addInitializer(p.name, value))
  }
  for s in states {
    let value = s.value.detached()
    s.value = capture.tensor(value, for: capture.builder.graph.addInitializer(s.name, value))
  }
  let results = try inTraining(false) { try context.paused { try function(model, inputs) } }
  for (name, value) in results {
    guard capture.isCaptured(value) else {
      throw EngineError(
        .usage, "the result '\(name)' does not depend on the inputs or the model",
        expected: "a result computed from them")
    }
    // An output has a name of its own, also where it is an input.
    let output = try capture.builder.apply(Identity(), capture.value(value))
    capture.builder.graph.values[output.index].name = name
    capture.builder.graph.outputs.append(output)
  }
  var graph = capture.builder.graph
  if graph.name.isEmpty { graph.name = "\(M.self)" }
  return graph
}
