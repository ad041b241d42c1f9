import Graphs
import Kernels
import Tensors

/// A matrix product with all that follows it in one layer: `Y = f(A B + bias) + residual`.
///
/// - `A`: `[..., K]`; `B`: `[K, N]`, or `[N, K]` with `transB`; `bias` (optional): `[N]`;
///   `residual` (optional): Y's shape. float16, bfloat16, float32, float64, one type for all.
/// - Attributes: `transB`, default 0; those of `FusedActivation`: the function f, default none.
/// - Output: `Y` `[..., N]`.
/// - Errors: `.shape` for lengths K that differ, a bias or residual of another shape; `.attribute`.
/// - Accuracy: as MatMul. The same bits for any number of threads, and for a row alone or among
///   others.
/// - Cost: a constant B is packed once; bias, function and residual are applied in cache.
/// - Source: domain ai.dlrun 1; MatMul, Add, the function and Add of ONNX.
public struct FusedLinear: KernelComposite {
  public let transB: Bool
  public let activation: FusedActivation

  public static let schema = Schema(
    "FusedLinear", domain: Fused.domain, versions: [1],
    inputs: [
      Parameter("A", .floats), Parameter("B", .floats), .optional("bias", .floats),
      .optional("residual", .floats),
    ],
    outputs: [Parameter("Y", .floats)],
    attributes: [AttributeSpec("transB", .int, "1: B is transposed; default 0")]
      + FusedActivation.namedSpecs,
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 2, 3], (0..<12).map { Float(($0 * 5) % 12) * 0.3 - 1.7 })
      let b = try Tensor(shape: [3, 2], [1, 2, -0.5, 0.75, 1.25, -1.5] as [Float])
      let turned = try Tensor(shape: [2, 3], [1, -0.5, 1.25, 2, 0.75, -1.5] as [Float])
      let bias = try Tensor([0.4, -0.3] as [Float])
      let y = try Tensor(shape: [2, 2, 2], (0..<8).map { Float(($0 * 3) % 8) * 0.5 - 2 })
      let row = try Tensor(shape: [1, 3], [0.5, -1, 2] as [Float])
      return [
        .init(FusedLinear(), [a, b, bias]), .init(FusedLinear(), [a, b, bias, y]),
        .init(FusedLinear(try FusedActivation("Gelu")), [a, b, bias]),
        .init(FusedLinear(try FusedActivation("Relu"), transB: true), [row, turned]),
        .init(FusedLinear(try FusedActivation("Tanh")), [a, b, nil, y]),
        .init(FusedLinear(try FusedActivation("Clip", [-1, 1])), [row, b, bias]),
      ]
    })

  public init(_ activation: FusedActivation = FusedActivation(), transB: Bool = false) {
    self.activation = activation
    self.transB = transB
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    transB = try a.bool("transB", default: false)
    activation = try FusedActivation(namesIn: a)
  }
  public var attributes: [Attribute] {
    (transB ? [.bool("transB", true)] : []) + activation.namedAttributes
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    if let rank = c.rank(1), rank != 2 {
      throw EngineError(.shape, "B is no matrix", expected: "rank 2", received: "rank \(rank)")
    }
    if c.rank(0) == 0 { throw EngineError(.shape, "A is a scalar", expected: "rank 1 or more") }
    guard let a = c.dims(0), let k = a.last, let b = c.dims(1) else {
      return [Fact(dtype, c.dims(3))]
    }
    if let x = k.known, let y = b[transB ? 1 : 0].known, x != y {
      throw EngineError(
        .shape, "the factors do not fit together", expected: "a sum over \(x) elements, as A has",
        received: "\(y) in B")
    }
    let n = b[transB ? 0 : 1]
    let y = Array(a.dropLast()) + [n]
    if let bias = c.dims(2) {
      let fits = bias.count == 1 && (bias[0].known == nil || n.known == nil || bias[0] == n)
      guard fits else {
        throw EngineError(
          .shape, "the bias does not fit", expected: "[\(n)]", received: "\(bias)")
      }
    }
    if let z = c.dims(3) {
      let fits =
        z.count == y.count
        && zip(z, y).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard fits else {
        throw EngineError(
          .shape, "the residual does not fit", expected: "\(y)", received: "\(z)")
      }
    }
    return [Fact(dtype, y)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let k = inputs[0]?.last, let y = outputs[0] else { return nil }
    return y.product * k
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let a = inputs[0], var w = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    if transB { w = try b.apply(Transpose(perm: [1, 0]), w) }
    var y = try b.apply(MatMul(), a, w)
    if inputs.count > 2, let bias = inputs[2] { y = try b.apply(Add(), y, bias) }
    y = try activation.expand(b, y)
    if inputs.count > 3, let residual = inputs[3] { y = try b.apply(Add(), y, residual) }
    return Few(y)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (a, b, y) = (try p.input(0), try p.input(1), try p.output(0))
    let isFloat = a.dtype == .float32 || a.dtype == .float64
    for i in 0..<4 where p.has(i) {
      guard isFloat, try p.input(i).dtype == a.dtype else { throw p.noKernel() }
    }
    guard let element = GemmElement(a.dtype) else { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let n = y.shape[y.shape.rank - 1]
    let k = a.shape[a.shape.rank - 1]
    let m = y.count / n
    let right = GemmPlan.Layout(row: transB ? 1 : n, column: transB ? k : 1)
    var packed: PackedMatrix?
    if let constant = p.constant(1), constant.type == b {
      packed = try p.packedFactor(
        .right, count: n, k: k, constant, across: right.column, along: right.row)
    }
    let (hasBias, hasResidual) = (p.has(2), p.has(3))
    if hasBias, try p.input(2).count != n {
      throw EngineError(
        .shape, "the bias does not fit", expected: "[\(n)]", received: "\(try p.input(2).shape)")
    }
    if hasResidual, try p.input(3).shape != y.shape {
      throw EngineError(
        .shape, "the residual does not fit", expected: "\(y.shape)",
        received: "\(try p.input(3).shape)")
    }
    var epilogue = hasBias ? GemmPlan.Epilogue.biasPerColumn : GemmPlan.Epilogue()
    var function: UnaryKernel?
    switch activation.name {
    case "": break
    case "Relu": epilogue.low = 0
    case "Clip":
      epilogue.low = Double(activation.parameters[0])
      epilogue.high = Double(activation.parameters[1])
    default:
      guard let unary = activation.kernel(a.dtype) else { throw p.noKernel() }
      function = unary
    }
    var post: GemmPost?
    if function != nil || hasResidual {
      post = GemmPost(a.dtype, function: function, residualRow: hasResidual ? n : nil)
      if post == nil { throw p.noKernel() }
    }
    let plan = GemmPlan(
      m: m, n: n, k: k, element: element, b: right, packedB: packed, epilogue: epilogue,
      post: post, threads: p.options.threads)
    let label = activation.name.isEmpty ? plan.label : "\(plan.label) \(activation.name)"
    return Prepared(
      scratchBytes: plan.scratchBytes, label: hasResidual ? label + " add" : label
    ) { (memory) throws(EngineError) in
      plan.run(
        a: memory.inputs[0], b: memory.inputs[1], c: memory.outputs[0],
        addend: hasBias ? UnsafeRawPointer(memory.inputs[2]) : nil,
        residual: hasResidual ? UnsafeRawPointer(memory.inputs[3]) : nil,
        scratch: memory.scratch, pool: memory.pool)
    }
  }
}
