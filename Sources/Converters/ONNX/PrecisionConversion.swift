import Compiler
import Graphs
import Operators
import Tensors

/// A model in another floating type: all floats of 16 and 32 bits, weights, values and the types that
/// attributes name.
///
/// Inputs and outputs keep their types, with casts beside them, unless they are to change as well.
/// An operator that does not take the type in an input keeps what it had there, with casts around it:
/// the scales of Resize, trees, quantisation below opset 19. Sequences and what goes into them stay.
public struct PrecisionConversion {
  /// The types to convert to, and the first opset in which operators take them throughout.
  public static let leastOpset: [DType: Int] = [.float16: 7, .bfloat16: 13, .float32: 7]

  let target: DType
  let convertsPorts: Bool
  let operators: OperatorSet
  private var weights: PrecisionWeights
  /// Operators that keep another type, and how many of each.
  private(set) var kept: [String: Int] = [:]

  /// Errors: `.usage` for a type that is no target.
  public init(
    to target: DType, convertsPorts: Bool = false, _ operators: OperatorSet = .builtIn
  ) throws(EngineError) {
    guard Self.leastOpset[target] != nil else {
      throw EngineError(
        .usage, "models are not converted to \(target)",
        expected: "float16, bfloat16 or float32")
    }
    self.target = target
    self.convertsPorts = convertsPorts
    self.operators = operators
    weights = PrecisionWeights(to: target)
  }

  /// Converts `model`, which has no functions, and says what its user should know.
  public mutating func apply(to model: inout ModelGraph) throws(EngineError) -> [String] {
    let lookup = operators.lookup(opsets: model.opsets)
    try model.graph.inferFacts(using: lookup, options: .lenient)
    var walk = PrecisionWalk(
      target: target, lookup: lookup, weights: weights, keptPorts: !convertsPorts)
    var graph = model.graph
    try walk.convert(&graph, captured: [])
    graph.unbind(depth: 0)
    graph.dropUnusedValues()
    model.graph = graph
    weights = walk.weights
    kept = walk.kept
    var notes = ["\(weights.converted) weights in \(target)"]
    if !kept.isEmpty {
      let list = kept.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      notes.append("kept in their type, which has a form of them: " + list.joined(separator: ", "))
    }
    return notes + weights.notes
  }
}
