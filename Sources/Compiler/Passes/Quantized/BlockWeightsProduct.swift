import Graphs
import Operators
import Tensors

enum BlockWeightsProduct: Pass {
  static let name = "fuse-block-weights"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor:
      "a product of float32 with a constant matrix of 2, 4 or 8 bits that a DequantizeLinear "
      + "scales in blocks of what is summed over, a multiple of 32 long",
    makes: "a BlockLinear, which reads the weights in their few bits",
    why: "the same numbers; scales are applied to the sum of a block and not to each weight, which "
      + "changes results by their rounding")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let linear = LinearNode(g, i), linear.isPlain, let factor = factor(g, linear) else {
        continue
      }
      var inputs: [ValueID?] = [
        linear.a, factor.codes, factor.scales, factor.zeros, linear.bias,
      ]
      while let last = inputs.last, last == nil { inputs.removeLast() }
      try g.fuse(
        i, [], into: BlockLinear(block: factor.block, transB: factor.transB), inputs, by: name)
    }
  }

  struct Factor {
    let codes: ValueID
    let scales: ValueID
    let zeros: ValueID?
    let block: Int
    let transB: Bool
  }

  /// The right factor, where it is of the kind.
  static func factor(_ g: GraphEditor, _ linear: LinearNode) -> Factor? {
    var (right, transB) = (linear.b, linear.transB)
    if let (turn, op) = g.made(right, by: Transpose.self), op.perm == [1, 0] || op.perm == nil,
      let source = g.input(turn, 0)
    {
      (right, transB) = (source, !transB)
    }
    guard let (node, op) = g.made(right, by: DequantizeLinear.self), op.scales.block > 0,
      op.scales.block % 32 == 0, op.output == nil || op.output == .float32,
      let codes = g.input(node, 0), let scales = g.input(node, 1),
      let constant = g.constant(codes), constant.shape.rank == 2,
      BlockLinear.accepts(constant.dtype), g.constant(scales)?.dtype == .float32,
      g.dtype(linear.a) == .float32
    else { return nil }
    let axis = op.scales.axis < 0 ? op.scales.axis + 2 : op.scales.axis
    guard axis == (transB ? 1 : 0) else { return nil }
    let zeros = g.input(node, 2)
    if let zeros, g.constant(zeros) == nil { return nil }
    return Factor(
      codes: codes, scales: scales, zeros: zeros, block: op.scales.block, transB: transB)
  }
}
