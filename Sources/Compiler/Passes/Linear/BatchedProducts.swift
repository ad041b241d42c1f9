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
        let flat = g.dims(x), flat.count == 3, matrix(to) == matrix(flat),
        let a = apart(g, g.input(product, 0), to), let b = apart(g, g.input(product, 1), to)
      else { continue }
      try g.fuse(i, [product], into: MatMul(), [a, b], by: name)
    }
  }

  private static func matrix(_ dims: [Dim]) -> [Dim] { Array(dims.suffix(2)) }

  /// What a Reshape made `v` of, where it has the leading axes of `to`.
  private static func apart(_ g: GraphEditor, _ v: ValueID?, _ to: [Dim]) -> ValueID? {
    guard let v, let flat = g.dims(v), let (node, _) = g.made(v, by: Reshape.self),
      let source = g.input(node, 0), let dims = g.dims(source), dims.count == to.count,
      matrix(dims) == matrix(flat), Array(dims.dropLast(2)) == Array(to.dropLast(2))
    else { return nil }
    return source
  }
}
