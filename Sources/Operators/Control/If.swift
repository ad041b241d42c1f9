import Graphs
import Tensors

/// Runs one of two graphs: `then_branch` when `cond` is true, else `else_branch`.
///
/// - `cond`: bool with one element. The branches take no inputs; they capture values.
/// - Outputs: those of the branch that ran; both branches give as many, of the same kinds.
/// - Errors: `.shape` when `cond` has more than one element or none.
/// - Gradient: in graphs, by the captured values: another If.
/// - Source: ONNX If 1, 11, 13, 16, 19, 21, 23, 24, 25.
public struct If: Operator {
  public let thenBranch: Subgraph
  public let elseBranch: Subgraph
  /// Whether `then_branch` stands before `else_branch` among the node's attributes.
  public let thenIsFirst: Bool

  public static let schema = Schema(
    "If", versions: [1, 11, 13, 16, 19, 21, 23, 24, 25],
    inputs: [Parameter("cond", .bool, "B")],
    outputs: [.variadic("outputs", .all, "", containers: true)],
    attributes: [
      AttributeSpec("then_branch", .graph, "runs when cond is true"),
      AttributeSpec("else_branch", .graph, "runs when cond is false"),
    ],
    isDifferentiable: true,
    cases: { [] })

  public init(reading a: AttributeReader) throws(EngineError) {
    thenBranch = Subgraph(try a.graph("then_branch"))
    elseBranch = Subgraph(try a.graph("else_branch"))
    thenIsFirst = a.position(of: "then_branch") < a.position(of: "else_branch")
  }

  init(then: Graph, otherwise: Graph) {
    thenBranch = Subgraph(then)
    elseBranch = Subgraph(otherwise)
    thenIsFirst = true
  }

  public var attributes: [Attribute] {
    [.graph("then_branch", thenBranch.graph), .graph("else_branch", elseBranch.graph)]
  }

  /// The part of the captured values that belongs to a branch.
  private func split<T>(_ captured: [T]) -> (then: [T], otherwise: [T]) {
    let n = (thenIsFirst ? thenBranch : elseBranch).graph.captures.count
    let (first, second) = (Array(captured.prefix(n)), Array(captured.dropFirst(n)))
    return thenIsFirst ? (first, second) : (second, first)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let captured = split(c.captured)
    func then() throws(EngineError) -> [Fact] {
      try c.subgraph(thenBranch.graph, [], captured.then)
    }
    func otherwise() throws(EngineError) -> [Fact] {
      try c.subgraph(elseBranch.graph, [], captured.otherwise)
    }
    if let condition = c.constant(0), condition.dtype == .bool, condition.count == 1 {
      // The other branch may be wrong for the sizes at hand: exporters guard it by the condition.
      return condition.elements(Bool.self)[0] ? try then() : try otherwise()
    }
    let a = try then()
    let b = try otherwise()
    guard a.count == b.count else {
      throw EngineError(
        .invalidModel, "the branches have different numbers of outputs",
        expected: "\(a.count)", received: "\(b.count)")
    }
    return zip(a, b).map { merged($0, $1) }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let condition = try e.tensor(0)
    guard condition.count == 1 else {
      throw EngineError(
        .shape, "the condition must have one element", received: "\(condition.shape)")
    }
    guard let runner = e.runner else {
      throw EngineError(.unsupported, "a graph cannot run here")
    }
    let captured = split(e.captured)
    return condition.elements(Bool.self)[0]
      ? try runner.run(thenBranch, inputs: [], captured: captured.then)
      : try runner.run(elseBranch, inputs: [], captured: captured.otherwise)
  }
}
