import Graphs
import Operators
import Tensors

extension GraphEditor {
  /// The inputs of the node that makes `v`, in both orders, where it is an `Op`.
  func pairs<Op: Operator>(_ v: ValueID?, _ type: Op.Type) -> [(ValueID, ValueID)] {
    guard let (node, _) = made(v, by: type), let a = input(node, 0), let b = input(node, 1) else {
      return []
    }
    return [(a, b), (b, a)]
  }

  /// `x` and `c` where `v = x + c` for a constant of one element.
  func sumWithScalar(_ v: ValueID?) -> (x: ValueID, c: Double)? {
    for (x, c) in pairs(v, Add.self) {
      if let c = scalar(c), keepsShape(x, v) { return (x, c) }
    }
    if let (node, _) = made(v, by: Sub.self), let x = input(node, 0),
      let c = scalar(input(node, 1)), keepsShape(x, v)
    {
      return (x, -c)
    }
    return nil
  }

  /// `x` and `c` where `v = x * c` for a constant of one element.
  func productWithScalar(_ v: ValueID?) -> (x: ValueID, c: Double)? {
    for (x, c) in pairs(v, Mul.self) {
      if let c = scalar(c), keepsShape(x, v) { return (x, c) }
    }
    if let (node, _) = made(v, by: Div.self), let x = input(node, 0),
      let c = scalar(input(node, 1)), c != 0, keepsShape(x, v),
      dtype(x)?.isFloat ?? false
    {
      return (x, 1 / c)
    }
    return nil
  }

  /// Whether an elementwise result has as many axes as `x`: a constant `[1, 1]` adds some.
  private func keepsShape(_ x: ValueID, _ v: ValueID?) -> Bool {
    guard let v else { return false }
    guard let a = dims(x), let b = dims(v) else { return false }
    return a.count == b.count
  }

  /// A product taken apart: the constant factor and the others, powers repeated. Products that
  /// are used elsewhere, and `leaf`, are not taken apart. The nodes passed go into `nodes`.
  func factors(
    _ v: ValueID, leaf: ValueID? = nil, isRoot: Bool = true, nodes: inout Set<Int>
  ) -> (c: Double, values: [ValueID]) {
    if v == leaf || (!isRoot && !hasOneUse(v) && made(v, by: Pow.self) == nil) { return (1, [v]) }
    if let (x, c) = productWithScalar(v), let node = maker(v) {
      nodes.insert(node)
      let inner = factors(x, leaf: leaf, isRoot: false, nodes: &nodes)
      return (c * inner.c, inner.values)
    }
    if let (node, _) = made(v, by: Mul.self), let a = input(node, 0), let b = input(node, 1) {
      nodes.insert(node)
      let x = factors(a, leaf: leaf, isRoot: false, nodes: &nodes)
      let y = factors(b, leaf: leaf, isRoot: false, nodes: &nodes)
      return (x.c * y.c, x.values + y.values)
    }
    if let (node, _) = made(v, by: Pow.self), let a = input(node, 0), hasOneUse(v) || isRoot,
      let n = scalar(input(node, 1)), n == 2 || n == 3
    {
      nodes.insert(node)
      return (1, [ValueID](repeating: a, count: Int(n)))
    }
    return (1, [v])
  }

  /// Whether nothing outside of `nodes` uses what they make, `root` left aside.
  func isClosed(_ nodes: Set<Int>, root: Int) -> Bool {
    nodes.allSatisfy { i in
      i == root
        || node(i).outputs.allSatisfy { v in
          guard let v else { return true }
          return !isOutput(v) && users(v).allSatisfy(nodes.contains)
        }
    }
  }

  /// Whether one of `values` depends on one of `sources`.
  func isMade(_ values: [ValueID], of sources: [ValueID]) -> Bool {
    var open = values
    var seen: Set<ValueID> = []
    while let v = open.popLast() {
      if sources.contains(v) { return true }
      guard seen.insert(v).inserted, let node = maker(v) else { continue }
      open += self.node(node).inputs.compactMap { $0 } + self.node(node).captured
    }
    return false
  }

  /// Whether a constant is what a formula has, up to the rounding of the model's type.
  func isNear(_ a: Double, _ b: Double, _ x: ValueID) -> Bool {
    let half = dtype(x) == .float16 || dtype(x) == .bfloat16
    return abs(a - b) <= abs(b) * (half ? 4e-3 : 1e-5)
  }

  /// Whether an operator that ai.onnx has from `opset` on may be put in: at level basic only
  /// where the model's opset has it.
  func mayUse(opset: Int, _ options: PassOptions) -> Bool {
    options.level >= .all || (lookup.opset("") ?? 0) >= opset
  }
}
