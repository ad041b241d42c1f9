import Graphs
import Operators
import Tensors

enum LinearBias: Pass {
  static let name = "fuse-linear-bias"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a product with a matrix, which nothing else uses, plus a vector along its last axis",
    makes: "a FusedLinear, which adds the vector before it writes the result",
    why: "the same sum of the same two numbers, added a little earlier")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Add {
      guard let y = g.output(i) else { continue }
      for (x, c) in g.pairs(y, Add.self) {
        guard let linear = LinearNode(g, g.maker(x)), linear.isPlain, linear.bias == nil,
          let width = linear.width(g), let rank = g.dims(x)?.count, g.dims(y)?.count == rank
        else { continue }
        guard let bias = try vector(g, c, width) else { continue }
        guard g.hasOneUse(x) else {
          g.miss(i, "\(name): the product has other uses")
          continue
        }
        try g.fuse(
          i, [linear.node], into: FusedLinear(transB: linear.transB), linear.inputs(bias: bias),
          by: name)
        break
      }
    }
  }

  /// A value of `width` elements along its last axis alone, as a vector.
  private static func vector(
    _ g: GraphEditor, _ v: ValueID, _ width: Dim
  ) throws(EngineError) -> ValueID? {
    guard let dims = g.dims(v), dims.last == width, dims.dropLast().allSatisfy({ $0 == 1 }) else {
      return nil
    }
    if dims.count == 1 { return v }
    guard let t = g.constant(v) else { return nil }
    return g.addConstant(try t.reshaped(Shape([t.count])))
  }
}
