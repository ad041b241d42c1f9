import Graphs
import Operators
import Tensors

enum LinearAffine: Pass {
  static let name = "fold-linear-affine"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "an Add, Sub, Mul or Div of a constant, one number or one for each column, or a "
      + "BatchNormalization, of a product with a constant matrix that nothing else uses",
    makes: "the product with its columns scaled; for sums of matrices a Gemm with a bias",
    why: "each column goes through s * x + t: s * (x w + b) + t = x (s w) + (s b + t)")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let x = affineInput(g, i), let product = Product(g, g.maker(x)) else { continue }
      guard let step = try affine(g, i, x, product) else { continue }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the product has other uses")
        continue
      }
      try fold(g, i, step, product, options)
    }
  }

  /// A product with a constant matrix.
  private struct Product {
    let node: Int
    let gemm: Gemm
    let isGemm: Bool
    let weights: Tensor
    /// One number for each column, where there is a bias.
    var bias: [Double]?

    var columns: Int { weights.shape[gemm.transB ? 0 : 1] }

    init?(_ g: GraphEditor, _ node: Int?) {
      guard let node, let w = g.constant(g.input(node, 1)), w.dtype == .float32,
        w.shape.rank == 2
      else { return nil }
      self.node = node
      weights = w
      switch g.node(node).op {
      case is MatMul:
        gemm = Gemm()
        isGemm = false
      case let op as Gemm:
        gemm = op
        isGemm = true
      default: return nil
      }
      guard let c = g.input(node, 2) else { return }
      guard let t = g.constant(c), let list = t.numbers else { return nil }
      let n = w.shape[gemm.transB ? 0 : 1]
      let isRow = t.count == n && t.shape.rank > 0 && t.shape[t.shape.rank - 1] == n
      guard isRow || t.count == 1, t.dtype == .float32 else { return nil }
      bias = isRow ? list : [Double](repeating: list[0], count: n)
    }
  }

  private struct Step {
    var scale: [Double]?
    var shift: [Double]?
  }

  /// The value that a node of this kind scales or shifts.
  private static func affineInput(_ g: GraphEditor, _ i: Int) -> ValueID? {
    guard let a = g.input(i, 0), let y = g.output(i), g.dtype(y) == .float32,
      g.broadcastsBothWays(i)
    else { return nil }
    switch g.node(i).op {
    case let op as BatchNormalization:
      let others = g.node(i).outputs.dropFirst()
      return !op.isTraining && op.isSpatial && others.allSatisfy { $0 == nil } ? a : nil
    case is Sub, is Div: return g.constant(g.input(i, 1)) == nil ? nil : a
    case is Add, is Mul:
      guard let b = g.input(i, 1) else { return nil }
      return g.constant(b) != nil ? a : g.constant(a) != nil ? b : nil
    default: return nil
    }
  }

  private static func affine(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ product: Product
  ) throws(EngineError) -> Step? {
    if let norm: BatchNormalization = g.op(i) {
      // Axis 1 is that of the columns only in a matrix.
      guard g.dims(x)?.count == 2, let affine = ChannelAffine(g, i, norm),
        affine.scale.count == product.columns
      else { return nil }
      return Step(scale: affine.scale, shift: affine.shift)
    }
    guard let c = g.node(i).inputs.compactMap({ $0 }).first(where: { $0 != x }),
      let t = g.constant(c), let list = t.numbers, let rank = g.dims(x)?.count,
      t.shape.rank <= rank
    else { return nil }
    let n = product.columns
    let isRow = t.count == n && t.shape.rank > 0 && t.shape[t.shape.rank - 1] == n
    guard isRow || t.count == 1 else { return nil }
    let numbers = isRow ? list : [Double](repeating: list[0], count: n)
    switch g.node(i).op {
    case is Add: return Step(shift: numbers)
    case is Sub: return Step(shift: numbers.map { -$0 })
    case is Mul: return Step(scale: numbers)
    case is Div: return Step(scale: numbers.map { 1 / $0 })
    default: return nil
    }
  }

  private static func fold(
    _ g: GraphEditor, _ i: Int, _ step: Step, _ product: Product, _ options: PassOptions
  ) throws(EngineError) {
    let m = product.node
    let gemm = product.gemm
    var bias = product.bias
    var weights = g.input(m, 1)
    if let scale = step.scale {
      guard scale.allSatisfy({ Float($0).isFinite }) else { return }
      guard weights.map({ g.users($0).count == 1 }) ?? false else {
        g.miss(i, "\(name): the matrix has other uses")
        return
      }
      weights = g.addConstant(
        try product.weights.scaled(by: scale, axis: gemm.transB ? 0 : 1, groups: 1))
      bias = bias.map { zip($0, scale).map { $0 * $1 } }
    }
    if let shift = step.shift {
      guard product.isGemm || isMatrix(g, g.input(m, 0)) && g.mayUse(opset: 7, options) else {
        return
      }
      guard gemm.beta == 1 || bias == nil else { return }
      bias = bias.map { zip($0, shift).map { $0 + $1 } } ?? shift
    }
    guard bias?.allSatisfy({ Float($0).isFinite }) ?? true else { return }
    if let bias {
      // Without a bias before, beta says nothing.
      let beta = product.bias == nil ? 1 : gemm.beta
      let op = Gemm(alpha: gemm.alpha, beta: beta, transA: gemm.transA, transB: gemm.transB)
      let moved = g.addConstant(try Tensor(bias.map { Float($0) }))
      try g.fuse(i, [m], into: op, [g.input(m, 0), weights, moved], by: name)
    } else {
      let op: any Operator = product.isGemm ? gemm : MatMul()
      try g.fuse(i, [m], into: op, [g.input(m, 0), weights], by: name)
    }
  }

  private static func isMatrix(_ g: GraphEditor, _ v: ValueID?) -> Bool {
    v.flatMap { g.dims($0)?.count } == 2
  }
}
