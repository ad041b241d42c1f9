import Graphs
import Operators
import Tensors

enum UnitAxes: Pass {
  static let name = "drop-unit-axes"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a Transpose between an Unsqueeze and a Reshape, as sums of products over named axes "
      + "become when a framework takes them apart",
    makes: "a Transpose without the new axes, other axes of size 1 at their own place",
    why: "an axis of size 1 has no part in the order of elements, and a Reshape takes them in order"
  )

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let reshape: Reshape = g.op(i), let x = g.input(i, 0), let y = g.output(i),
        let t = g.maker(x),
        let perm = TransposeMotion.order(g, t), let wide = g.input(t, 0),
        let (u, op) = g.made(wide, by: Unsqueeze.self), let source = g.input(u, 0),
        let given = op.axes ?? g.ints(g.input(u, 1)), let added = axes(given, rank: perm.count),
        let dims = g.dims(source), dims.count + added.count == perm.count,
        perm.sorted() == Array(perm.indices)
      else { continue }
      let isFlat = g.isFlatReshape(i)
      if !isFlat {
        guard reshape.fixed == nil, let sizes = g.dims(y), let target = try g.flatTarget(sizes)
        else { continue }
        g.setInput(i, 1, to: target)
      }
      let kept = perm.indices.filter { !added.contains($0) }
      let moved = perm.compactMap { kept.firstIndex(of: $0) }.filter { dims[$0].known != 1 }
      var next = moved.makeIterator()
      let order = dims.indices.map { dims[$0].known == 1 ? $0 : next.next() ?? $0 }
      if order == Array(dims.indices) {
        g.setInput(i, 0, to: source)
      } else {
        g.setInput(
          i, 0, to: try g.addOne(Transpose(perm: order), [source], at: i, name: g.node(t).name))
      }
      g.note(i, "\(name): takes '\(g.node(u).name)' without its axes of size 1")
    }
  }
}
