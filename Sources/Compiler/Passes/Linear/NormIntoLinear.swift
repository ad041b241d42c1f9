import Graphs
import Operators
import Tensors

enum NormIntoLinear: Pass {
  static let name = "fold-norm-into-linear"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor:
      "a BatchNormalization of a matrix at inference, with constant parameters, that only a "
      + "product with a constant matrix uses, as behind the activation of a dense layer",
    makes: "the product with its rows scaled, as a Gemm with a bias",
    why: "each column of the factor goes through s * x + t: (s * x + t) w + b = x (s w) + (t w + b)"
  )

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard g.mayUse(opset: 7, options) else { return }
    for i in g.nodes where g.isLive(i) {
      guard let a = g.input(i, 0), let (n, norm) = g.made(a, by: BatchNormalization.self),
        !norm.isTraining, norm.isSpatial, g.dims(a)?.count == 2,
        g.node(n).outputs.dropFirst().allSatisfy({ $0 == nil }), g.dtype(a) == .float32,
        let x = g.input(n, 0), let product = matrix(g, i), let affine = ChannelAffine(g, n, norm)
      else { continue }
      guard g.hasOneUse(a) else {
        g.miss(i, "\(name): the norm has other uses")
        continue
      }
      try fold(g, i, n, x, affine, product)
    }
  }

  /// A product with a constant matrix on the right, and its constant bias, if any.
  private static func matrix(_ g: GraphEditor, _ i: Int) -> (gemm: Gemm, weights: Tensor)? {
    guard let w = g.constant(g.input(i, 1)), w.dtype == .float32, w.shape.rank == 2 else {
      return nil
    }
    switch g.node(i).op {
    case is MatMul: return (Gemm(), w)
    case let op as Gemm where !op.transA: return (op, w)
    default: return nil
    }
  }

  private static func fold(
    _ g: GraphEditor, _ i: Int, _ n: Int, _ x: ValueID, _ affine: ChannelAffine,
    _ product: (gemm: Gemm, weights: Tensor)
  ) throws(EngineError) {
    let (gemm, w) = product
    let depth = w.shape[gemm.transB ? 1 : 0]
    let columns = w.shape[gemm.transB ? 0 : 1]
    guard affine.scale.count == depth, affine.scale.allSatisfy({ Float($0).isFinite }) else {
      return
    }
    var bias = [Double](repeating: 0, count: columns)
    if let c = g.input(i, 2) {
      guard let t = g.constant(c), t.dtype == .float32, let list = t.numbers else { return }
      let isRow = t.count == columns && t.shape.rank > 0 && t.shape[t.shape.rank - 1] == columns
      guard isRow || t.count == 1 else { return }
      for j in 0..<columns { bias[j] = Double(gemm.beta) * (isRow ? list[j] : list[0]) }
    }
    let numbers = w.elements(Float.self)
    for k in 0..<depth {
      let shift = affine.shift[k] * Double(gemm.alpha)
      for j in 0..<columns {
        bias[j] += shift * Double(numbers[gemm.transB ? j * depth + k : k * columns + j])
      }
    }
    guard bias.allSatisfy({ Float($0).isFinite }) else { return }
    let scaled = try w.scaled(by: affine.scale, axis: gemm.transB ? 1 : 0, groups: 1)
    let op = Gemm(alpha: gemm.alpha, transB: gemm.transB)
    let moved = g.addConstant(try Tensor(bias.map { Float($0) }))
    try g.fuse(i, [n], into: op, [x, g.addConstant(scaled), moved], by: name)
  }
}
