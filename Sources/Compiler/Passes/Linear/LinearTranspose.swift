import Graphs
import Operators
import Tensors

enum LinearTranspose: Pass {
  static let name = "cancel-transposes"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "Transposes that leave the last axis where it is, with only a product with a matrix "
      + "between them, or nothing; and attention over [S, N, W] of a product of such a Transpose",
    makes: "the product alone where they undo each other, one Transpose of two, and attention over "
      + "[N, S, W]",
    why: "the product takes each row of the last axis by itself, wherever it lies")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      switch g.node(i).op {
      case let op as Transpose: try transpose(g, i, op)
      case let op as FusedAttention where op.isSequenceFirst: try attention(g, i, op)
      default: continue
      }
    }
  }

  private static func transpose(
    _ g: GraphEditor, _ i: Int, _ op: Transpose
  ) throws(EngineError) {
    guard let x = g.input(i, 0), let outer = op.perm else { return }
    if let (first, before) = g.made(x, by: Transpose.self), let inner = before.perm,
      inner.count == outer.count, let source = g.input(first, 0)
    {
      try g.fuse(i, [first], into: Transpose(perm: outer.map { inner[$0] }), [source], by: name)
      return
    }
    guard let linear = LinearNode(g, g.maker(x)), linear.residual == nil, g.hasOneUse(x),
      let (first, before) = g.made(linear.a, by: Transpose.self), let inner = before.perm,
      let source = g.input(first, 0), inner.count == outer.count, inner.last == inner.count - 1,
      outer.map({ inner[$0] }) == Array(inner.indices)
    else { return }
    var inputs = linear.inputs()
    inputs[0] = source
    try g.fuse(
      i, [linear.node, first], into: FusedLinear(linear.activation, transB: linear.transB), inputs,
      by: name)
  }

  private static func attention(
    _ g: GraphEditor, _ i: Int, _ op: FusedAttention
  ) throws(EngineError) {
    guard let x = g.input(i, 0), g.input(i, 1) == x, g.input(i, 2) == x, let y = g.output(i),
      g.users(x).allSatisfy({ $0 == i }), !g.isOutput(x),
      let linear = LinearNode(g, g.maker(x)), linear.residual == nil,
      let (first, before) = g.made(linear.a, by: Transpose.self), before.perm == [1, 0, 2],
      let source = g.input(first, 0), g.node(i).outputs.count == 1
    else { return }
    var inputs = linear.inputs()
    inputs[0] = source
    let product = try g.addOne(
      FusedLinear(linear.activation, transB: linear.transB), inputs, at: linear.node,
      name: g.node(linear.node).name)
    let result = try g.addOne(
      FusedAttention(op.options, op.places, givesNaN: op.givesNaN),
      [product, product, product] + g.node(i).inputs.dropFirst(3), at: i, name: g.node(i).name)
    g.note(first, "\(name): attention runs over [N, S, W]")
    g.replace(y, with: try g.addOne(Transpose(perm: [1, 0, 2]), [result], at: i))
    g.remove(i)
  }
}
