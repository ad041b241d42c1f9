import Graphs
import Operators
import Tensors

enum NormFusion: Pass {
  static let name = "fuse-norm"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * gain + shift along the last axes, "
      + "the same as x s + (shift - mean s) with s = gain / sqrt(...), and both without the mean, "
      + "the gain or the shift, in the forms that exporters write",
    makes: "a LayerNormalization, or an RMSNormalization",
    why: "these are their definitions")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    let (layer, rms) = (g.mayUse(opset: 17, options), g.mayUse(opset: 23, options))
    guard layer || rms else { return }
    // Sums first: their products are forms of their own.
    for i in g.nodes where g.isLive(i) && g.node(i).op is Add {
      guard layer, let y = g.output(i) else { continue }
      for (product, shift) in g.pairs(y, Add.self) {
        if try fuse(g, i, product, shift) { break }
        if let found = FactoredNorm.find(g, i, product, shift), g.isClosed(found.nodes, root: i) {
          try g.fuse(
            i, found.nodes.subtracting([i]).sorted(),
            into: LayerNormalization(axis: found.axis, epsilon: Float(found.epsilon)),
            [found.x, found.gain, found.shift], by: name)
          break
        }
      }
    }
    for i in g.nodes where g.isLive(i) && g.node(i).op is Mul {
      guard let y = g.output(i) else { continue }
      for (n, gain) in g.pairs(y, Mul.self) {
        let (inner, cast) = uncast(g, n)
        guard let found = Normalized(g, inner), found.centers ? layer : rms else { continue }
        var nodes = found.nodes.union([i])
        if let cast { nodes.insert(cast) }
        guard let x = source(g, found, cast, &nodes) else { continue }
        guard g.isClosed(nodes, root: i) else {
          g.miss(i, "\(name): a value in between has other uses")
          continue
        }
        guard let gain = try found.parameter(g, gain) else {
          g.miss(i, "\(name): the gain does not lie along the normalised axes")
          continue
        }
        let epsilon = Float(found.epsilon)
        let op: any Operator =
          found.centers
          ? LayerNormalization(axis: found.axis, epsilon: epsilon)
          : RMSNormalization(axis: found.axis, epsilon: epsilon)
        try g.fuse(i, nodes.subtracting([i]).sorted(), into: op, [x, gain], by: name)
        break
      }
    }
    // What has no gain, or one that does not lie along the axes.
    for i in g.nodes where g.isLive(i) && (g.node(i).op is Mul || g.node(i).op is Div) {
      guard let y = g.output(i), let found = Normalized(g, y), found.centers ? layer : rms,
        g.isClosed(found.nodes.union([i]), root: i), let gain = try found.ones(g)
      else { continue }
      let epsilon = Float(found.epsilon)
      let op: any Operator =
        found.centers
        ? LayerNormalization(axis: found.axis, epsilon: epsilon)
        : RMSNormalization(axis: found.axis, epsilon: epsilon)
      try g.fuse(
        i, found.nodes.subtracting([i]).sorted(), into: op, [found.x, gain], by: name)
    }
  }

  private static func fuse(
    _ g: GraphEditor, _ i: Int, _ product: ValueID, _ shift: ValueID
  ) throws(EngineError) -> Bool {
    guard let m = g.maker(product), g.node(m).op is Mul else { return false }
    for (n, gain) in g.pairs(product, Mul.self) {
      guard let found = Normalized(g, n), found.centers else { continue }
      let nodes = found.nodes.union([i, m])
      guard g.isClosed(nodes, root: i) else {
        g.miss(i, "\(name): a value in between has other uses")
        return false
      }
      guard let gain = try found.parameter(g, gain), let shift = try found.parameter(g, shift)
      else { return false }
      try g.fuse(
        i, nodes.subtracting([i]).sorted(),
        into: LayerNormalization(axis: found.axis, epsilon: Float(found.epsilon)),
        [found.x, gain, shift], by: name)
      return true
    }
    return false
  }

  /// The value before it was narrowed to a half type, as models of halves do after their sums.
  private static func uncast(_ g: GraphEditor, _ v: ValueID) -> (ValueID, cast: Int?) {
    guard let (node, op) = g.made(v, by: Cast.self), let x = g.input(node, 0),
      g.dtype(x) == .float32, op.to == .float16 || op.to == .bfloat16
    else { return (v, nil) }
    return (x, node)
  }

  /// The value that is normalised: the one before widening, where the result was narrowed again.
  private static func source(
    _ g: GraphEditor, _ found: Normalized, _ cast: Int?, _ nodes: inout Set<Int>
  ) -> ValueID? {
    guard let cast else { return found.x }
    guard let (wide, op) = g.made(found.x, by: Cast.self), op.to == .float32,
      let x = g.input(wide, 0), let y = g.output(cast), g.dtype(x) == g.dtype(y)
    else { return nil }
    nodes.insert(wide)
    return x
  }
}
