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
    .one("aten._trilinear.default", trilinear),
  ]

  /// Three tensors, given axes of size 1 at the places that each lacks, multiplied, and summed over
  /// `sumdim`: a bilinear layer after decomposition.
  @Sendable private static func trilinear(_ c: TorchCall) throws(EngineError) -> ValueID {
    var inputs: [ValueID?] = []
    var terms: [String] = []
    var rank = 0
    for i in 1...3 {
      let x = try c.x("i\(i)")
      let absent = try c.ints("expand\(i)") ?? []
      let whole = try c.rank(x) + absent.count
      guard i == 1 || whole == rank, whole <= letters.count else {
        throw EngineError(.malformed, "the factors have ranks that do not fit")
      }
      rank = whole
      inputs.append(x)
      terms.append(try labels(c, rank, without: absent))
    }
    let result = try labels(c, rank, without: try c.ints("sumdim") ?? [])
    return try c.builder.apply(
      try Einsum(terms.joined(separator: ",") + "->" + result), inputs: inputs)
  }

  private static let letters = Array("abcdefghijklmnopqrstuvwxyz")

  private static func labels(
    _ c: TorchCall, _ rank: Int, without dims: [Int]
  ) throws(EngineError) -> String {
    var axes: Set<Int> = []
    for dim in dims { axes.insert(try c.axis(dim, rank)) }
    return String((0..<rank).filter { !axes.contains($0) }.map { letters[$0] })
  }

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
