import Graphs
import Operators
import Tensors

enum QuantizedProduct: Pass {
  static let name = "fuse-quantized-product"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a product of two DequantizeLinear: of 8-bit codes with one scale, and of a constant "
      + "matrix of 8-bit codes with one scale or one for each column; alone or with what was "
      + "joined to it",
    makes: "a QuantizedLinear, which multiplies the codes in integers",
    why:
      "scales come out of the sum, whose integers are then exact; sums of float32 differ from it "
      + "by their rounding")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let linear = LinearNode(g, i), linear.activation.name != "Clip",
        let a = ByteCodes(g, linear.a), a.isUniform(g)
      else { continue }
      var (right, transB) = (linear.b, linear.transB)
      if let (turn, op) = g.made(right, by: Transpose.self), op.perm == [1, 0] || op.perm == nil,
        let source = g.input(turn, 0)
      {
        (right, transB) = (source, !transB)
      }
      guard let b = ByteCodes(g, right), g.constant(b.codes)?.shape.rank == 2 else {
        g.miss(i, "\(name): the right factor is no constant of 8-bit codes")
        continue
      }
      // Scales run along the columns of the product.
      let columns = transB ? 0 : 1
      let axis = b.axis < 0 ? b.axis + 2 : b.axis
      guard b.isUniform(g) || axis == columns else {
        g.miss(i, "\(name): scales run along what is summed over")
        continue
      }
      var inputs: [ValueID?] = [
        a.codes, a.scale, try a.zeroPoint(g), b.codes, b.scale, b.zero, linear.bias,
        linear.residual,
      ]
      while let last = inputs.last, last == nil { inputs.removeLast() }
      try g.fuse(
        i, [], into: QuantizedLinear(linear.activation, transB: transB), inputs, by: name)
    }
  }
}
