import Graphs
import Operators
import Tensors

/// Dense layers. PyTorch keeps their weights as `[out, in]`.
enum TorchLinear {
  static let operators: [TorchOperator] = [
    .one("aten.linear.default") { (c) throws(EngineError) in
      try linear(c, try c.x("input"), try c.x("weight"), try c.optional("bias"))
    },
    .one("aten.bilinear.default") { (c) throws(EngineError) in
      let (a, b) = (try c.x("input1"), try c.x("input2"))
      let made = try c.builder.apply(
        try Einsum("...i,oij,...j->...o"), inputs: [a, try c.x("weight"), b])
      guard let bias = try c.optional("bias") else { return made }
      return try c.add(made, bias)
    },
  ]

  static func linear(
    _ c: TorchCall, _ x: ValueID, _ weight: ValueID, _ bias: ValueID?
  ) throws(EngineError) -> ValueID {
    let b = c.builder
    if try c.rank(x) == 2, try c.rank(weight) == 2 {
      let inputs = bias.map { [x, weight, $0] } ?? [x, weight]
      return try b.apply(Gemm(transB: true), inputs: inputs)
    }
    // Gemm takes matrices only: MatMul with the weight as [in, out].
    var turned: ValueID
    if try c.rank(weight) == 1 {
      turned = weight
    } else if let known = try c.graph.transposedParameter(weight) ?? c.graph.turned[weight] {
      turned = known
    } else {
      turned = try c.transposed(weight, [1, 0])
    }
    let product = try b.apply(MatMul(), x, turned)
    guard let bias else { return product }
    return try c.add(product, bias)
  }
}
