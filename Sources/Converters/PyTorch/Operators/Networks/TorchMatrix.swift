import Graphs
import Operators
import Tensors

/// Matrix products.
enum TorchMatrix {
  static let operators: [TorchOperator] = [
    .one("aten.mm.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("self", "mat2")
      return try product(c, a, b)
    },
    .one("aten.bmm.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("self", "mat2")
      return try c.builder.apply(MatMul(), a, repeated(c, b))
    },
    .one("aten.matmul.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair()
      return try product(c, a, b)
    },
    .one("aten.mv.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("self", "vec")
      return try c.builder.apply(MatMul(), a, b)
    },
    .one("aten.dot.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("self", "tensor")
      return try c.builder.apply(MatMul(), a, b)
    },
    .one("aten.addmm.default", inPlace: true) { (c) throws(EngineError) in
      let (a, b) = try c.pair("mat1", "mat2")
      let (alpha, beta) = (try c.double("alpha", 1), try c.double("beta", 1))
      // A transposed factor at hand untransposed saves the transpose.
      let plain = c.graph.turned[b]
      return try c.builder.apply(
        Gemm(alpha: Float(alpha), beta: Float(beta), transB: plain != nil), a, plain ?? b,
        try c.cast(try c.x(), try c.dtype(of: a)))
    },
    .one("aten.baddbmm.default", inPlace: true) { (c) throws(EngineError) in
      let (a, b) = try c.pair("batch1", "batch2")
      return try sum(c, try c.builder.apply(MatMul(), a, b))
    },
    .one("aten.addbmm.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("batch1", "batch2")
      let products = try c.builder.apply(MatMul(), a, b)
      return try sum(c, try TorchReduction.reduced(c, products, [0], false) { ReduceSum($0) })
    },
    .one("aten.addmv.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("mat", "vec")
      return try sum(c, try c.builder.apply(MatMul(), a, b))
    },
    .one("aten.outer.default") { (c) throws(EngineError) in
      let (a, b) = try c.pair("self", "vec2")
      return try c.mul(try c.unsqueezed(a, [1]), b)
    },
    .one("aten.einsum.default") { (c) throws(EngineError) in
      let equation = c.text("equation", "").filter { $0 != " " }
      return try c.builder.apply(
        try Einsum(equation), inputs: try c.tensors("tensors").map { $0 })
    },
    .one("aten.linalg_det.default") { (c) throws(EngineError) in
      try c.builder.apply(Det(), try c.x("A"))
    },
    .one("aten.trace.default") { (c) throws(EngineError) in
      try c.builder.apply(try Einsum("ii->"), try c.x())
    },
  ]

  /// A product whose second factor may be a parameter that the graph transposes first.
  static func product(_ c: TorchCall, _ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID {
    guard let plain = c.graph.turned[b], c.graph.isParameter(plain) else {
      return try c.builder.apply(MatMul(), a, b)
    }
    if try c.rank(a) == 2 { return try c.builder.apply(Gemm(transB: true), a, plain) }
    return try c.builder.apply(MatMul(), a, try c.graph.transposedParameter(plain) ?? b)
  }

  /// `beta self + alpha product`.
  private static func sum(_ c: TorchCall, _ product: ValueID) throws(EngineError) -> ValueID {
    let (alpha, beta) = (try c.double("alpha", 1), try c.double("beta", 1))
    let scaled = alpha == 1 ? product : try c.mul(product, alpha)
    if beta == 0 { return scaled }
    let x = try c.cast(try c.x(), try c.dtype(of: product))
    return try c.add(beta == 1 ? x : try c.mul(x, beta), scaled)
  }

  /// The matrix that a batch holds over and over, which a product broadcasts by itself.
  private static func repeated(_ c: TorchCall, _ batch: ValueID) -> ValueID {
    var v = batch
    let sizes = c.builder.fact(of: batch).dims
    for node in c.builder.graph.nodes.reversed().prefix(64) where node.outputs.contains(v) {
      guard let x = node.inputs.first ?? nil, let dims = c.builder.fact(of: x).dims,
        node.op is Reshape || node.op is Expand, let matrix = sizes?.suffix(2),
        dims.suffix(2) == matrix
      else { break }
      if dims.count == 2 { return x }
      v = x
    }
    return batch
  }
}
