import Graphs
import Operators
import Tensors

enum BatchedProducts: Pass {
  static let name = "unflatten-products"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a product of two batches of matrices between Reshapes that make one axis of all "
      + "leading ones and take it apart again",
    makes: "the product of the values as they were",
    why: "a MatMul takes each pair of matrices by itself, however many axes count the pairs")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Reshape {
      guard let x = g.input(i, 0), let y = g.output(i), g.hasOneUse(x),
        let (product, _) = g.made(x, by: MatMul.self), let to = g.dims(y), to.count > 3,
        let flat = g.dims(x), flat.count == 3, to.suffix(2) == flat.suffix(2),
        let a = Factor(g, g.input(product, 0), to), let b = Factor(g, g.input(product, 1), to),
        a.target == nil || b.target == nil || a.isMade && b.isMade
      else { continue }
      let factors: [ValueID?] = [try a.apart(g, at: i), try b.apart(g, at: i)]
      try g.fuse(i, [product], into: MatMul(), factors, by: name)
    }
  }

  /// A factor with one axis before its matrices, and what a Reshape made it of.
  private struct Factor {
    let source: ValueID
    /// What it needs, where its axes are others: one of three Reshapes goes in any case.
    let target: [Dim]?
    /// Whether a Reshape made it; else it is its own source.
    let isMade: Bool

    init?(_ g: GraphEditor, _ v: ValueID?, _ to: [Dim]) {
      guard let v, let flat = g.dims(v), flat.count == 3 else { return nil }
      let before = g.made(v, by: Reshape.self).flatMap { g.input($0.node, 0) }
      isMade = before != nil
      source = before ?? v
      let wanted = Array(to.dropLast(2) + flat.suffix(2))
      if g.dims(source) == wanted {
        target = nil
      } else {
        guard !isMade || g.hasOneUse(v), GraphEditor.isTarget(wanted) else { return nil }
        target = wanted
      }
    }

    /// The factor with the leading axes of the result.
    func apart(_ g: GraphEditor, at place: Int) throws(EngineError) -> ValueID {
      guard let target, let sizes = try g.flatTarget(target) else { return source }
      return try g.addOne(Reshape(), [source, sizes], at: place)
    }
  }
}
