import Graphs
import Operators
import Tensors

enum GateFusion: Pass {
  static let name = "fuse-gates"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "x sigmoid(a x), x HardSigmoid(x), x clip(x + 3, 0, 6) / 6 and x tanh(softplus x)",
    makes: "Swish, HardSwish and Mish",
    why: "these are their definitions; constants may differ by their rounding")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && (g.node(i).op is Mul || g.node(i).op is Div) {
      guard let y = g.output(i), let (x, op, opset, nodes) = match(g, y),
        g.mayUse(opset: opset, options)
      else { continue }
      guard g.isClosed(nodes, root: i) else {
        g.miss(i, "\(name): a value in between has other uses")
        continue
      }
      try g.fuse(i, nodes.subtracting([i]).sorted(), into: op, [x], by: name)
    }
  }

  private static func match(
    _ g: GraphEditor, _ y: ValueID
  ) -> (x: ValueID, op: any Operator, opset: Int, nodes: Set<Int>)? {
    var nodes: Set<Int> = []
    let (c, values) = g.factors(y, nodes: &nodes)
    guard values.count == 2 else { return nil }
    for (x, gate) in [(values[0], values[1]), (values[1], values[0])] {
      guard let f = g.maker(gate), let w = g.input(f, 0) else { continue }
      let all = nodes.union([f])
      switch g.node(f).op {
      case is Sigmoid where g.isNear(c, 1, x):
        if w == x { return (x, Swish(), 24, all) }
        if let (v, alpha) = g.productWithScalar(w), v == x, let m = g.maker(w) {
          return (x, Swish(alpha: Float(alpha)), 24, all.union([m]))
        }
      case let op as HardSigmoid:
        guard w == x, g.isNear(c, 1, x), g.isNear(Double(op.alpha), 1.0 / 6, x),
          g.isNear(Double(op.beta), 0.5, x)
        else { continue }
        return (x, HardSwish(), 14, all)
      case let op as Clip:
        guard g.isNear(c, 1.0 / 6, x), let (v, three) = g.sumWithScalar(w), v == x, three == 3,
          let m = g.maker(w), op.lower.map({ Double($0) }) ?? g.scalar(g.input(f, 1)) == 0,
          op.upper.map({ Double($0) }) ?? g.scalar(g.input(f, 2)) == 6
        else { continue }
        return (x, HardSwish(), 14, all.union([m]))
      case is Tanh where g.isNear(c, 1, x):
        guard let (s, _) = g.made(w, by: Softplus.self), g.input(s, 0) == x else { continue }
        return (x, Mish(), 18, all.union([s]))
      default: continue
      }
    }
    return nil
  }
}
