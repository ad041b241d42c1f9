import Graphs
import Operators
import Tensors

enum RotaryFusion: Pass {
  static let name = "fuse-rotary"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "x cos + (-x2, x1) sin, with x1 and x2 the halves of heads x and angles whose halves "
      + "are the same",
    makes: "a RotaryEmbedding, of the value that the heads were split from where that can be",
    why: "element j and j + half turn by the same angle: (x1 cos - x2 sin, x2 cos + x1 sin)")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var angles = RotaryAngles()
    for i in g.nodes where g.isLive(i) && g.node(i).op is Add {
      guard let y = g.output(i), let found = match(g, y) else { continue }
      guard g.isClosed(found.nodes, root: i) else {
        g.miss(i, "\(name): a value in between has other uses")
        continue
      }
      guard let dims = g.dims(found.x), dims.count == 4, let size = dims[3].known, size % 2 == 0,
        let heads = dims[1].known
      else { continue }
      guard let cos = try angles.half(g, found.cos, x: dims, at: i),
        let sin = try angles.half(g, found.sin, x: dims, at: i)
      else {
        g.miss(i, "\(name): the halves of the angles are not known to be the same")
        continue
      }
      let whole = HeadOperand.all(g, found.x).first {
        $0.rank == 3 && $0.isWhole && $0.isSequenceFirst != true && $0.factor == 1
          && $0.repeats == 1 && $0.heads == heads
      }
      guard let whole else {
        try g.fuse(
          i, found.nodes.subtracting([i]).sorted(), into: RotaryEmbedding(),
          [found.x, cos, sin], by: name)
        continue
      }
      let turned = try g.addOne(
        RotaryEmbedding(heads: heads), [whole.source, cos, sin], at: i, name: g.node(i).name)
      let shape = g.addConstant(try Tensor([0, 0, Int64(heads), Int64(size)]))
      let four = try g.addOne(Reshape(), [turned, shape], at: i)
      for j in found.nodes { g.note(j, "\(name): part of RotaryEmbedding") }
      g.replace(y, with: try g.addOne(Transpose(perm: [0, 2, 1, 3]), [four], at: i))
      g.remove(i)
    }
  }

  private struct Found {
    let x: ValueID
    let cos: ValueID
    let sin: ValueID
    let nodes: Set<Int>
  }

  private static func match(_ g: GraphEditor, _ y: ValueID) -> Found? {
    guard let add = g.maker(y) else { return nil }
    for (a, b) in g.pairs(y, Add.self) {
      guard let ma = g.maker(a), let mb = g.maker(b) else { continue }
      for (turned, sin) in g.pairs(b, Mul.self) {
        guard let (x, nodes) = rotated(g, turned) else { continue }
        for (plain, cos) in g.pairs(a, Mul.self) where plain == x {
          return Found(x: x, cos: cos, sin: sin, nodes: nodes.union([add, ma, mb]))
        }
      }
    }
    return nil
  }

  /// `x` where `v = (-x2, x1)` along the last axis.
  private static func rotated(_ g: GraphEditor, _ v: ValueID) -> (ValueID, Set<Int>)? {
    guard let (node, concat) = g.made(v, by: Concat.self), let dims = g.dims(v),
      let n = dims.last?.known, n % 2 == 0, g.node(node).inputs.count == 2,
      concat.axis == -1 || concat.axis == dims.count - 1,
      let (neg, _) = g.made(g.input(node, 0), by: Neg.self),
      let second = half(g, g.input(neg, 0), n, last: true),
      let first = half(g, g.input(node, 1), n, last: false), first.x == second.x
    else { return nil }
    return (first.x, [node, neg, first.node, second.node])
  }

  /// `x` where `v` is the first or the last half of its last axis of `n` elements.
  private static func half(
    _ g: GraphEditor, _ v: ValueID?, _ n: Int, last: Bool
  ) -> (x: ValueID, node: Int)? {
    guard let v, let node = g.maker(v), let x = g.input(node, 0), let dims = g.dims(x),
      dims.last == Dim(n)
    else { return nil }
    var view = StridedView(of: x, dims)
    guard g.node(node).op is Slice || g.node(node).op is Split, view.apply(g, node, x, v),
      view.axes.last == [.init(axis: dims.count - 1, size: Dim(n / 2), stride: 1)],
      view.offsets == dims.dropLast().map({ _ in 0 }) + [last ? n / 2 : 0]
    else { return nil }
    return (x, node)
  }
}
