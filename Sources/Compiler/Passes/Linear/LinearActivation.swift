import Graphs
import Operators
import Tensors

enum LinearActivation: Pass {
  static let name = "fuse-linear-activation"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a function of one input (Relu, Gelu, Tanh, Swish, ...) of a product with a matrix "
      + "that nothing else uses",
    makes: "a FusedLinear, which applies the function while the result is in cache",
    why: "the same function of the same number, applied a little earlier")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let x = g.input(i, 0), let linear = LinearNode(g, g.maker(x)), linear.isPlain,
        let activation = FusedActivation(g, i), !activation.name.isEmpty
      else { continue }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the product has other uses")
        continue
      }
      try g.fuse(
        i, [linear.node], into: FusedLinear(activation, transB: linear.transB), linear.inputs(),
        by: name)
    }
  }
}
