import Graphs
import Tensors

/// Whether a function captured at two sizes gave the same graph, so that nothing of one size or of
/// one batch's values was baked in.
struct GraphComparison {
  let first: Graph
  let second: Graph

  /// Errors: `.usage` that names what differs.
  func check() throws(EngineError) {
    guard first.nodes.count == second.nodes.count else {
      throw differs(
        "the number of operators: \(first.nodes.count) and \(second.nodes.count)",
        "loop over a fixed number of steps, or train without compiling")
    }
    for (a, b) in zip(first.nodes, second.nodes) {
      guard a.type == b.type, a.inputs == b.inputs, a.outputs == b.outputs else {
        throw differs("the operators: \(a.type) and \(b.type)", "a branch may depend on a size")
      }
      if let x = a.op, let y = b.op, AnyHashable(x) != AnyHashable(y) {
        throw differs(
          "an attribute of \(a.type)",
          "pass sizes as -1, or use functions that take the shape of a tensor")
      }
    }
    var constants: [ValueID: Tensor] = [:]
    for (id, t) in second.initializers { constants[id] = t }
    for (id, t) in first.initializers {
      guard let other = constants[id], other.type == t.type,
        t.rawBytes.elementsEqual(other.rawBytes)
      else {
        let user = first.nodes.first { $0.inputs.contains(id) }?.type ?? "an output"
        throw differs(
          "a constant \(t.type) that \(user) uses",
          "constants made of sizes, of data or of random numbers cannot be compiled; pass them as inputs"
        )
      }
    }
  }

  private func differs(_ what: String, _ hint: String) -> EngineError {
    EngineError(
      .usage,
      "the function depends on the sizes or values of its batch: two captures differ in \(what)",
      expected: "one graph for all batches", hint: hint)
  }
}
