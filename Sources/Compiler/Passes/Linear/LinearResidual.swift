import Graphs
import Operators
import Tensors

enum LinearResidual: Pass {
  static let name = "fuse-linear-residual"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "an Add of a product with a matrix, which nothing else uses, and a value of the same "
      + "shape",
    makes: "a FusedLinear that adds the value while the result is in cache",
    why: "the same sum of the same two numbers; the product runs where the Add stood, when the "
      + "other value is there")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard g.node(i).op is Add, let a = g.input(i, 0), let b = g.input(i, 1), a != b else {
        continue
      }
      // Of two products the later one: the other's result is there by then.
      let found = [(a, b), (b, a)].compactMap { (x, z) -> (LinearNode, ValueID, ValueID)? in
        guard let linear = LinearNode(g, g.maker(x)), linear.residual == nil,
          g.constant(z) == nil
        else { return nil }
        return (linear, x, z)
      }
      let free = found.filter { g.hasOneUse($0.1) }
      guard let (linear, x, z) = free.max(by: { $0.0.node < $1.0.node }) else {
        if !found.isEmpty { g.miss(i, "\(name): the product has other uses") }
        continue
      }
      guard let from = g.dims(z), let to = g.dims(x), from == to else {
        // A vector is for another pass.
        if g.dims(z)?.count != 1 {
          g.miss(i, "\(name): the two shapes are not known to be the same")
        }
        continue
      }
      try g.fuse(
        i, [linear.node], into: FusedLinear(linear.activation, transB: linear.transB),
        linear.inputs(residual: z), by: name)
    }
  }
}
