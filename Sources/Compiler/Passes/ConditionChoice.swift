import Graphs
import Operators
import Tensors

enum ConditionChoice: Pass {
  static let name = "choose-results"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "an If whose branches are a few comparisons or sums of a few numbers, results of the "
      + "same type and sizes",
    makes: "the nodes of both branches, and a Where of their results",
    why: "such nodes cannot fail and cost less than choosing between graphs; an If between nodes "
      + "keeps what is around it, the body of a Loop for instance, from being planned")

  private static let maxNodes = 8
  private static let maxElements = 64

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard g.mayUse(opset: 16, options) else { return }
    for i in g.nodes where g.isLive(i) && g.node(i).op is If {
      let node = g.node(i)
      guard let condition = node.inputs.first, let condition, g.constant(condition) == nil,
        g.dims(condition)?.isEmpty == true, let branches = graphs(of: node),
        branches.then.0.outputs.count == node.outputs.count,
        branches.other.0.outputs.count == node.outputs.count,
        let then = resultTypes(g, branches.then.0, branches.then.1),
        let other = resultTypes(g, branches.other.0, branches.other.1), then == other
      else { continue }
      guard
        let a = try g.inline(branches.then.0, inputs: [], captured: branches.then.1, at: i),
        let b = try g.inline(branches.other.0, inputs: [], captured: branches.other.1, at: i)
      else { continue }
      var chosen: [ValueID] = []
      for (x, y) in zip(a, b) { chosen.append(try g.addOne(Where(), [condition, x, y], at: i)) }
      g.note(i, "\(name): both branches, and a Where")
      g.settle(i, chosen)
    }
  }

  private static func graphs(
    of node: Graph.Node
  ) -> (then: (Graph, [ValueID]), other: (Graph, [ValueID]))? {
    var rest = node.captured[...]
    var found: [String: (Graph, [ValueID])] = [:]
    for a in node.attributes {
      guard case .graph(let g) = a.payload, rest.count >= g.captures.count else { continue }
      found[a.name] = (g, Array(rest.prefix(g.captures.count)))
      rest = rest.dropFirst(g.captures.count)
    }
    guard let then = found["then_branch"], let other = found["else_branch"] else { return nil }
    return (then, other)
  }

  /// The types of a branch's results, where all its nodes are of operators that cannot fail, on few
  /// elements; else nil.
  private static func resultTypes(
    _ g: GraphEditor, _ branch: Graph, _ captured: [ValueID]
  ) -> [TensorType]? {
    guard branch.nodes.count <= maxNodes, branch.captures.count == captured.count else {
      return nil
    }
    var facts: [ValueID: Fact] = [:]
    for (id, tensor) in branch.initializers { facts[id] = Fact(constant: tensor) }
    for (id, outer) in zip(branch.captures, captured) { facts[id] = g.fact(outer) }
    for node in branch.nodes {
      guard let op = node.op, isHarmless(op), node.inputs.allSatisfy({ $0 != nil }),
        let made = try? op.infer(
          Inference(inputs: node.inputs.map { $0.flatMap { facts[$0] } }, outputCount: 1)),
        let result = made.first, let type = result.tensorType, type.dtype != .string,
        type.count <= maxElements, let y = node.outputs.first, let y
      else { return nil }
      facts[y] = result
    }
    let types = branch.outputs.compactMap { facts[$0]?.tensorType }
    let isFew = types.allSatisfy { $0.dtype != .string && $0.count <= maxElements }
    return isFew && types.count == branch.outputs.count ? types : nil
  }

  private static func isHarmless(_ op: any Operator) -> Bool {
    switch op {
    case is Constant, is Identity, is Not, is And, is Or, is Xor, is Equal, is Less, is Greater,
      is LessOrEqual, is GreaterOrEqual, is Add, is Sub, is Mul, is Neg, is Abs:
      true
    default: false
    }
  }
}
