import Graphs
import Operators
import Tensors

/// `d / sqrt(mean(d^2) + epsilon)`, with `d = x - mean(x)` or `d = x`, as exporters take it apart.
struct Normalized {
  let x: ValueID
  /// The first normalised axis, counted from the end.
  let axis: Int
  let epsilon: Double
  let centers: Bool
  /// The nodes it is made of.
  private(set) var nodes: Set<Int> = []

  /// What `v` is, nil where it is none of this.
  init?(_ g: GraphEditor, _ v: ValueID) {
    guard let (d, root, outer) = Normalized.quotient(g, v),
      let (sum, epsilon) = g.sumWithScalar(root),
      epsilon >= 0, let add = g.maker(root)
    else { return nil }
    var nodes = outer.union([add])
    guard let (mean, square, axis) = Normalized.mean(g, sum) else { return nil }
    nodes.insert(mean)
    guard let (base, power) = Normalized.square(g, square) else { return nil }
    nodes.insert(power)
    self.axis = axis
    self.epsilon = epsilon
    if let x = Normalized.centered(g, d, axis, &nodes) {
      // The squares may have been taken of another copy of the difference.
      guard base == d || Normalized.centered(g, base, axis, &nodes) == x else { return nil }
      self.x = x
      centers = true
    } else {
      guard base == d else { return nil }
      x = d
      centers = false
    }
    self.nodes = nodes
  }

  /// `d` and `s` where `v = d / sqrt s`.
  static func quotient(
    _ g: GraphEditor, _ v: ValueID
  ) -> (d: ValueID, root: ValueID, nodes: Set<Int>)? {
    guard let node = g.maker(v) else { return nil }
    if g.node(node).op is Div, let d = g.input(node, 0),
      let (root, _) = g.made(g.input(node, 1), by: Sqrt.self), let s = g.input(root, 0)
    {
      return (d, s, [node, root])
    }
    for (d, r) in g.pairs(v, Mul.self) {
      if let (s, nodes) = inverseRoot(g, r) { return (d, s, nodes.union([node])) }
    }
    return nil
  }

  /// `s` where `r = 1 / sqrt s`.
  static func inverseRoot(_ g: GraphEditor, _ r: ValueID) -> (ValueID, Set<Int>)? {
    guard let node = g.maker(r), let a = g.input(node, 0) else { return nil }
    switch g.node(node).op {
    case is Reciprocal:
      guard let (root, _) = g.made(a, by: Sqrt.self), let s = g.input(root, 0) else { return nil }
      return (s, [node, root])
    case is Div:
      guard g.scalar(a) == 1, let (root, _) = g.made(g.input(node, 1), by: Sqrt.self),
        let s = g.input(root, 0)
      else { return nil }
      return (s, [node, root])
    case is Pow: return g.scalar(g.input(node, 1)) == -0.5 ? (a, [node]) : nil
    case is Sqrt:
      // sqrt(1 / s)
      guard let (inner, _) = g.made(a, by: Reciprocal.self), let s = g.input(inner, 0) else {
        return nil
      }
      return (s, [node, inner])
    default: return nil
    }
  }

  /// What `v` is the mean of along its last axes, which stay with size 1.
  static func mean(
    _ g: GraphEditor, _ v: ValueID
  ) -> (node: Int, x: ValueID, axis: Int)? {
    guard let (node, op) = g.made(v, by: ReduceMean.self), op.axes.keepDims,
      let x = g.input(node, 0),
      let list = op.axes.list ?? g.input(node, 1).flatMap({ g.fact($0).knownInts }), !list.isEmpty
    else { return nil }
    let rank = g.dims(x)?.count
    var axes: [Int] = []
    for a in list {
      if a < 0 { axes.append(a) } else if let rank { axes.append(a - rank) } else { return nil }
    }
    guard axes.sorted() == Array(-axes.count..<0) else { return nil }
    return (node, x, -axes.count)
  }

  static func square(_ g: GraphEditor, _ v: ValueID) -> (base: ValueID, node: Int)? {
    guard let node = g.maker(v), let a = g.input(node, 0), let b = g.input(node, 1) else {
      return nil
    }
    switch g.node(node).op {
    case is Mul: return a == b ? (a, node) : nil
    case is Pow: return g.scalar(b) == 2 ? (a, node) : nil
    default: return nil
    }
  }

  /// `x` where `d = x - mean(x)`.
  static func centered(
    _ g: GraphEditor, _ d: ValueID, _ axis: Int, _ nodes: inout Set<Int>
  ) -> ValueID? {
    guard let (node, _) = g.made(d, by: Sub.self), let x = g.input(node, 0),
      let m = g.input(node, 1), let (mean, source, own) = mean(g, m), source == x, own == axis
    else { return nil }
    nodes.formUnion([node, mean])
    return x
  }

  /// A gain or shift as the normalisations take it: the sizes of the normalised axes.
  func parameter(_ g: GraphEditor, _ v: ValueID) throws(EngineError) -> ValueID? {
    guard let dims = g.dims(v), let all = g.dims(x), all.count >= -axis else { return nil }
    let wanted = Array(all.suffix(-axis))
    if dims == wanted { return v }
    guard Array(dims.suffix(-axis)) == wanted, dims.count <= all.count,
      dims.dropLast(-axis).allSatisfy({ $0 == 1 }), let t = g.constant(v)
    else { return nil }
    return g.addConstant(try t.reshaped(Shape(Array(t.shape.array.suffix(-axis)))))
  }

  /// A gain of ones; nil where the sizes of the normalised axes are not known.
  func ones(_ g: GraphEditor) throws(EngineError) -> ValueID? {
    guard let all = g.dims(x), all.count >= -axis, let dtype = g.dtype(x), dtype == .float32 else {
      return nil
    }
    let sizes = all.suffix(-axis).compactMap(\.known)
    let count = sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard sizes.count == -axis, sizes.allSatisfy({ $0 > 0 && $0 < 1 << 20 }), count < 1 << 20 else {
      return nil
    }
    return g.addConstant(
      try Tensor(shape: Shape(sizes), [Float](repeating: 1, count: count)))
  }
}
