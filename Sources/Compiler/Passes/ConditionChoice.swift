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
        g.dims(condition)?.isEmpty == true, let branches = branches(node),
        branches.then.0.outputs.count == node.outputs.count,
        branches.other.0.outputs.count == node.outputs.count,
        fits(branches.then.0), fits(branches.other.0)
      else { continue }
      let isSame = zip(branches.then.0.outputs, branches.other.0.outputs).allSatisfy { a, b in
        let (one, other) = (
          branches.then.0.values[a.index].fact, branches.other.0.values[b.index].fact
        )
        return one.tensorType != nil && one.tensorType == other.tensorType
          && one.dtype != .string
      }
      guard isSame else { continue }
      guard
        let a = try g.inline(branches.then.0, inputs: [], captured: branches.then.1, at: i),
        let b = try g.inline(branches.other.0, inputs: [], captured: branches.other.1, at: i)
      else { continue }
      var results: [ValueID] = []
      for (x, y) in zip(a, b) { results.append(try g.addOne(Where(), [condition, x, y], at: i)) }
      g.note(i, "\(name): both branches, and a Where")
      g.settle(i, results)
    }
  }

  private static func branches(
    _ node: Graph.Node
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

  /// Whether all nodes are of operators that cannot fail, on few elements.
  private static func fits(_ branch: Graph) -> Bool {
    guard branch.nodes.count <= maxNodes else { return false }
    func isSmall(_ v: ValueID?) -> Bool {
      guard let v else { return true }
      guard let type = branch.values[v.index].fact.tensorType else { return false }
      return type.dtype != .string && type.count <= maxElements
    }
    return branch.nodes.allSatisfy { node in
      let isHarmless =
        switch node.op {
        case is Identity, is Not, is And, is Or, is Xor, is Equal, is Less, is Greater,
          is LessOrEqual, is GreaterOrEqual, is Add, is Sub, is Mul, is Neg, is Abs:
          true
        default: false
        }
      return isHarmless && node.inputs.allSatisfy(isSmall) && node.outputs.allSatisfy(isSmall)
    }
  }
}
