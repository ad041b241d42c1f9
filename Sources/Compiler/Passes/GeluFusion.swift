import Graphs
import Operators
import Tensors

enum GeluFusion: Pass {
  static let name = "fuse-gelu"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "x / 2 (1 + erf(x / sqrt 2)) and x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), "
      + "their factors in any order",
    makes: "one Gelu node",
    why: "it is the definition of Gelu; constants may differ by their rounding")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard g.mayUse(opset: 20, options) else { return }
    for i in g.nodes where g.isLive(i) && (g.node(i).op is Mul || g.node(i).op is Div) {
      guard let y = g.output(i), let (x, isTanh, nodes) = match(g, y) else { continue }
      guard g.isClosed(nodes, root: i) else {
        g.miss(i, "\(name): a value in between has other uses")
        continue
      }
      try g.fuse(i, nodes.subtracting([i]).sorted(), into: Gelu(isTanh: isTanh), [x], by: name)
    }
  }

  private static func match(
    _ g: GraphEditor, _ y: ValueID
  ) -> (x: ValueID, isTanh: Bool, nodes: Set<Int>)? {
    var nodes: Set<Int> = []
    let (c, values) = g.factors(y, nodes: &nodes)
    guard values.count == 2 else { return nil }
    for (x, sum) in [(values[0], values[1]), (values[1], values[0])] {
      // sum = half * f(w) + half, with half * c = 1 / 2.
      guard let (inner, half) = g.sumWithScalar(sum), let sumNode = g.maker(sum),
        g.isNear(c * half, 0.5, x)
      else { continue }
      var all = nodes.union([sumNode])
      let (k, parts) = g.factors(inner, isRoot: false, nodes: &all)
      guard parts.count == 1, g.isNear(k, half, x), let f = g.maker(parts[0]),
        let w = g.input(f, 0)
      else { continue }
      all.insert(f)
      switch g.node(f).op {
      case is Erf:
        guard let (v, s) = g.productWithScalar(w), v == x, let m = g.maker(w),
          g.isNear(s, 0.7071067811865476, x)
        else { continue }
        return (x, false, all.union([m]))
      case is Tanh:
        if isCubic(g, w, x, &all) { return (x, true, all) }
      default: continue
      }
    }
    return nil
  }

  /// Whether `w = sqrt(2 / pi) (x + 0.044715 x^3)`.
  private static func isCubic(
    _ g: GraphEditor, _ w: ValueID, _ x: ValueID, _ nodes: inout Set<Int>
  ) -> Bool {
    let (c, values) = g.factors(w, leaf: x, isRoot: false, nodes: &nodes)
    guard g.isNear(c, 0.7978845608028654, x), let last = values.first(where: { $0 != x }),
      let add = g.maker(last), g.node(add).op is Add
    else { return false }
    nodes.insert(add)
    let isFactored = values.count == 2 && values.contains(x)
    guard isFactored || values.count == 1 else { return false }
    for (a, b) in g.pairs(last, Add.self) {
      if isFactored ? g.scalar(a) != 1 : a != x { continue }
      let (k, powers) = g.factors(b, leaf: x, isRoot: false, nodes: &nodes)
      if g.isNear(k, 0.044715, x), powers == [ValueID](repeating: x, count: isFactored ? 2 : 3) {
        return true
      }
    }
    return false
  }
}
