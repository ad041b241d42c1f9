import Graphs
import Operators
import Tensors

enum ConvResidual: Pass {
  static let name = "fuse-conv-residual"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "an Add of a convolution's result, which nothing else uses, and a value of the same "
      + "shape",
    makes: "a FusedConv that adds the value before it writes the result",
    why: "the same sum of the same two numbers; the convolution runs where the Add stood, when the "
      + "other value is there")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard g.node(i).op is Add, let a = g.input(i, 0), let b = g.input(i, 1), a != b,
        let sum = g.output(i), g.dtype(sum) == .float32, g.broadcastsBothWays(i)
      else { continue }
      // Of two convolutions the later one: the other's result is there by then.
      let found = [(a, b), (b, a)].compactMap { (x, z) -> (ConvNode, ValueID)? in
        guard let c = ConvNode(g, g.maker(x)), c.activation.name.isEmpty, c.residual == nil,
          g.constant(z) == nil
        else { return nil }
        return (c, z)
      }
      let free = found.filter { g.hasOneUse($0.1 == b ? a : b) }
      guard let (c, z) = free.max(by: { $0.0.node < $1.0.node }) else {
        if !found.isEmpty { g.miss(i, "\(name): the convolution's result has other uses") }
        continue
      }
      guard let from = g.dims(z), let to = g.dims(z == b ? a : b), from == to else {
        g.miss(i, "\(name): the two shapes are not known to be the same")
        continue
      }
      try g.fuse(
        i, [c.node], into: FusedConv(c.conv), c.inputs(adding: z), by: name)
    }
  }
}
