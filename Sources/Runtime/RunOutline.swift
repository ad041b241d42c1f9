import Graphs
import Operators
import Tensors

/// What a run with inputs of settled types will do and take, known before it.
public struct RunOutline: Sendable {
  /// A kernel in its place, or a node that runs on values.
  public struct Step: Sendable {
    public let node: String
    /// The node's operator; for a part of a composite, that and the part's.
    public let operatorName: String
    /// The kernel chosen; "dynamic" where that depends on values.
    public let kernel: String
    /// Types of the outputs, nil where nobody takes one; empty for dynamic nodes.
    public let outputs: [TensorType?]
    /// Multiplications paired with additions; nil where that is not known.
    public let multiplyAdds: Int?
  }

  /// In the order in which they run. Nodes that only look at memory in another shape are none.
  public let steps: [Step]
  /// Bytes of the buffers between nodes and of the kernels' working memory, which share one arena.
  public let arenaBytes: Int
  /// The most working memory of any kernel, in bytes, which the arena holds.
  public let scratchBytes: Int
  /// Bytes of results, and of values that dynamic nodes see.
  public let resultBytes: Int
  /// Bytes of weights, as they are in the model; those packed for a kernel come on top.
  public let weightBytes: Int

  /// What a run takes beside the weights, as far as it is planned.
  public var peakBytes: Int { arenaBytes + resultBytes }
}

extension Session {
  /// Plans for inputs of these types, by name, and says what was planned.
  ///
  /// Errors: as `run`; `.budget` for a plan beyond the session's memory.
  public func outline(_ types: [String: TensorType]) throws(EngineError) -> RunOutline {
    var examples = [Value?](repeating: nil, count: inputs.count)
    for (name, type) in types {
      // Only the types matter to the plan.
      let example =
        type.dtype == .string
        ? Value.tensor(
          try Tensor(shape: type.shape, strings: [String](repeating: "", count: type.count)))
        : Value.tensor(Tensor(Storage(type, borrowing: Storage.empty, owner: nil)))
      let place = try inputPlace(name)
      try inputs[place].check(example)
      examples[place] = example
    }
    let plan = try plan(examples)
    let steps = plan.steps.map { (step) -> RunOutline.Step in
      switch step {
      case .kernel(let k):
        let outer = plan.operatorNames[k.node]
        let inner = type(of: k.call.op).schema.name
        return RunOutline.Step(
          node: plan.nodeNames[k.node], operatorName: outer == inner ? outer : "\(outer)/\(inner)",
          kernel: k.call.prepared.label, outputs: k.call.outputs,
          multiplyAdds: k.call.multiplyAdds)
      case .dynamic(let d):
        return RunOutline.Step(
          node: plan.nodeNames[d.node], operatorName: plan.operatorNames[d.node],
          kernel: "dynamic", outputs: [], multiplyAdds: nil)
      }
    }
    return RunOutline(
      steps: steps, arenaBytes: plan.arenaBytes, scratchBytes: plan.scratchBytes,
      resultBytes: plan.peakBytes - plan.arenaBytes,
      weightBytes: state.constantBytes.load(ordering: .relaxed))
  }

  /// Bytes that one run with these inputs takes beside the weights: arena, scratch and outputs, as
  /// far as they are planned.
  ///
  /// Errors: as `outline`.
  public func peakBytes(_ inputs: [String: Tensor]) throws(EngineError) -> Int {
    try outline(inputs.mapValues(\.type)).peakBytes
  }
}

extension Call {
  /// Multiplications paired with additions in one run; nil where the operator does not say.
  public var multiplyAdds: Int? {
    func dims(_ type: TensorType?) -> [Dim]? { type.map { $0.shape.array.map { Dim($0) } } }
    return op.multiplyAdds(inputs: inputs.map(dims), outputs: outputs.map(dims))?.known
  }

  /// Bytes of all inputs, weights among them, and of all outputs.
  public var bytesMoved: Int {
    (inputs + outputs).reduce(0) { $0 &+ ($1?.byteCount ?? 0) }
  }
}
