import Graphs
import Operators
import Tensors

enum NBitsBias: Pass {
  static let name = "fuse-bias-of-few-bits"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a MatMulNBits or BlockLinear without a bias, which nothing else uses, plus a vector "
      + "along its last axis",
    makes: "the product with the vector as its bias",
    why: "the same sum of the same two numbers, added a little earlier")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Add {
      guard let y = g.output(i), let dims = g.dims(y), let width = dims.last, width.known != nil
      else { continue }
      for (x, bias) in g.pairs(y, Add.self) {
        guard let node = g.maker(x), let op = g.node(node).op, g.dims(x) == dims,
          g.dims(bias) == [width], g.dtype(bias) == g.dtype(x)
        else { continue }
        let place: Int
        switch op {
        case is MatMulNBits: place = 5
        case is BlockLinear: place = 4
        default: continue
        }
        guard g.input(node, place) == nil else { continue }
        guard g.hasOneUse(x) else {
          g.miss(i, "\(name): the product has other uses")
          continue
        }
        var inputs = g.node(node).inputs
        while inputs.count <= place { inputs.append(nil) }
        inputs[place] = bias
        try g.fuse(i, [node], into: op, inputs, by: name)
        break
      }
    }
  }
}
