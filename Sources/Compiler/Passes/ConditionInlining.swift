import Graphs
import Operators
import Tensors

enum ConditionInlining: Pass {
  static let name = "inline-conditions"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "an If whose condition is known before the run",
    makes: "the nodes of the branch that is taken",
    why: "the other branch never runs")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is If {
      guard let t = g.constant(g.input(i, 0)), t.dtype == .bool, t.count == 1 else {
        g.miss(i, "\(name): the condition is not known before the run")
        continue
      }
      let wanted = t.elements(Bool.self)[0] ? "then_branch" : "else_branch"
      guard let (branch, captured) = branch(g.node(i), wanted),
        branch.outputs.count >= g.node(i).outputs.count,
        let results = try g.inline(branch, inputs: [], captured: captured, at: i)
      else {
        g.miss(i, "\(name): the branch holds what has no place outside it")
        continue
      }
      g.note(i, "\(name): became its \(wanted)")
      g.settle(i, results)
    }
  }

  /// A branch, and the values around it that it uses.
  private static func branch(_ node: Graph.Node, _ name: String) -> (Graph, [ValueID])? {
    var rest = node.captured[...]
    for a in node.attributes {
      guard case .graph(let g) = a.payload else { continue }
      guard rest.count >= g.captures.count else { return nil }
      if a.name == name { return (g, Array(rest.prefix(g.captures.count))) }
      rest = rest.dropFirst(g.captures.count)
    }
    return nil
  }
}
