import Graphs
import Kernels
import Tensors

/// Gelu by a hyperbolic tangent: `Z / 2 (1 + tanh(sqrt(2 / pi) (Z + 0.044715 Z^3)))` with
/// `Z = X + bias`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; `bias` (optional): `[N]`, N the last size
///   of X.
/// - Errors: `.shape` for a bias of another length.
/// - Source: ONNX Runtime's FastGelu of domain com.microsoft, version 1.
public struct FastGelu: FormulaGradient {
  public static let schema = Schema(
    "FastGelu", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("X", .floats), .optional("bias", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [
        .init(FastGelu(), [x]), .init(FastGelu(), [x, try Tensor([0.5, -1, 0.25] as [Float])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkRowBias(c.dims(0), c.dims(1), "bias")
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if !p.has(1) { return try Gelu(isTanh: true).prepare(p) }
    if let half = try widened(p) { return half }
    return try biasedUnary(p, .geluTanh)
  }
}

/// Whether `bias` has one element for each of the last axis of `x`.
///
/// Errors: `.shape`.
func checkRowBias(_ x: [Dim]?, _ bias: [Dim]?, _ name: String) throws(EngineError) {
  guard let bias else { return }
  guard bias.count == 1 else {
    throw EngineError(.shape, "\(name) is no vector", expected: "rank 1", received: "\(bias)")
  }
  guard let x else { return }
  guard let n = x.last else {
    throw EngineError(.shape, "the input has no axis", expected: "rank 1 or more", received: "[]")
  }
  if let n = n.known, let m = bias[0].known, n != m {
    throw EngineError(
      .shape, "\(name) does not fit the last axis", expected: "\(n) elements", received: "\(m)")
  }
}

/// The kernel of `f(X + bias)` for inputs that `checkRowBias` passed.
func biasedUnary(_ p: Preparation, _ op: UnaryOp) throws(EngineError) -> Prepared {
  let dtype = try commonReal(p, 0..<2)
  let x = try p.input(0).shape
  let n = x[x.rank - 1]
  guard let kernel = BiasedUnary(op, dtype, rows: n == 0 ? 0 : x.count / n, n: n) else {
    throw p.noKernel()
  }
  return Prepared(inPlace: 1, label: "bias \(op)") { m in
    kernel.run(m.inputs[0], bias: m.inputs[1], into: m.outputs[0], pool: m.pool)
  }
}

extension FastGelu {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    if inputs.count > 1, let bias = inputs[1] {
      return Few(try b.apply(Gelu(isTanh: true), plus(b, x, bias)))
    }
    return Few(try b.apply(Gelu(isTanh: true), x))
  }
}
