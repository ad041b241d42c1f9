import Compiler
import Graphs
import Operators
import Runtime
import Tensors
import TestSupport
import Testing

/// Rewrites a graph with passes checked, and holds the results of level `none` against it.
struct PassCheck {
  /// Operators by name, in order, before and after.
  let before: [String]
  let after: [String]
  let graph: Graph
  /// The largest difference of any output, relative to the largest output.
  let error: Double

  /// `build` adds nodes to a graph whose inputs have the types of `inputs` and returns the outputs.
  /// `sizes` gives names to axes of inputs, "" for those that keep their size. Layouts and chains,
  /// which come after everything else, are left out unless `lastStage` asks for them.
  init(
    _ inputs: [Tensor], level: OptimizationLevel = .all, exact: Bool = false, opset: Int = 23,
    sizes: [[String]] = [], lastStage: PassStage = .fusing, includesSubgraphs: Bool = false,
    _ build: (GraphBuilder, [ValueID]) throws -> [ValueID]
  ) throws {
    let builder = GraphBuilder()
    var ids: [ValueID] = []
    for (i, t) in inputs.enumerated() {
      var dims = t.shape.array.map { Dim($0) }
      for (axis, name) in (i < sizes.count ? sizes[i] : []).enumerated() where !name.isEmpty {
        dims[axis] = Dim(symbol: name)
      }
      ids.append(builder.graph.addInput("x\(i)", Fact(t.dtype, dims)))
    }
    let outputs = try build(builder, ids)
    for (i, id) in outputs.enumerated() {
      builder.graph.values[id.index].name = "y\(i)"
      builder.graph.values[id.index].isDeclared = true
    }
    builder.graph.outputs = outputs
    var model = ModelGraph(builder.graph)
    model.opsets = [("", opset), ("ai.dlrun", 1), ("com.microsoft", 1)]
    let optimizer = Optimizer(
      PassOptions(
        level: level, exact: exact, isStrict: true, lastStage: lastStage,
        includesSubgraphs: includesSubgraphs))
    let lookup = OperatorSet.builtIn.lookup(opsets: model.opsets)
    graph = try optimizer.run(model.graph, using: lookup)
    before = model.graph.nodes.map(\.type)
    after = graph.nodes.map(\.type)
    var values: [String: Tensor] = [:]
    for (i, t) in inputs.enumerated() { values["x\(i)"] = t }
    let plain = try Session(model, options: .init(threads: 1, optimization: .none)).run(values)
    model.graph = graph
    let fused = try Session(model, options: .init(threads: 1, optimization: .none)).run(values)
    var error = 0.0
    for i in 0..<outputs.count {
      let (a, b) = (try #require(plain[i]), try #require(fused[i]))
      try #require(a.type == b.type)
      let largest = (0..<a.count).map { abs(a.asDouble($0) ?? 0) }.max() ?? 0
      for k in 0..<a.count {
        let (x, y) = (a.asDouble(k) ?? 0, b.asDouble(k) ?? 0)
        if x.isNaN && y.isNaN || x == y { continue }
        let difference = abs(x - y) / max(largest, 1e-30)
        error = difference.isNaN ? .infinity : max(error, difference)
      }
    }
    self.error = error
  }
}

/// A tensor of distinct numbers around zero, the same for the same shape.
func ramp(_ shape: Shape, scale: Float = 1, seed: Int = 0) throws -> Tensor {
  try Tensor(
    shape: shape,
    (0..<shape.count).map { Float((($0 + seed) * 7919) % 1009) / 504.5 * scale - scale })
}
