import Graphs
import Operators
import Tensors

enum MatMulTranspose: Pass {
  static let name = "fuse-matmul-transpose"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a matrix product with a factor whose last two axes a Transpose swapped",
    makes: "a FusedMatMul that reads the factor as it lies",
    why: "the product of the same rows and columns")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let y = g.output(i), g.dtype(y) == .float32 else { continue }
      var alpha: Float = 1
      var views = [MatrixView(), MatrixView()]
      switch g.node(i).op {
      case is MatMul: break
      case let op as FusedMatMul:
        alpha = op.alpha
        views = [op.a, op.b]
      default: continue
      }
      var inputs = g.node(i).inputs
      var taken: [Int] = []
      for k in 0..<2 where !views[k].isBatchLast {
        guard let m = g.maker(inputs[k]), let perm = TransposeMotion.order(g, m),
          swapsLastTwo(perm)
        else { continue }
        inputs[k] = g.input(m, 0)
        views[k] = MatrixView(isTransposed: !views[k].isTransposed)
        taken.append(m)
      }
      if taken.isEmpty { continue }
      try g.fuse(
        i, taken, into: FusedMatMul(alpha: alpha, a: views[0], b: views[1]), inputs, by: name)
    }
  }

  private static func swapsLastTwo(_ perm: [Int]) -> Bool {
    let n = perm.count
    guard n >= 2 else { return false }
    return perm == Array(0..<n - 2) + [n - 1, n - 2]
  }
}
