import Graphs
import Tensors

/// A gated activation: `Y = Swish(A) B`, that is `A sigmoid(alpha A) B`.
///
/// - `A` (gate), `B`: float16, bfloat16, float32, float64, of one type and shape, which are the
///   result's.
/// - `alpha`: factor inside the sigmoid; default 1.
/// - Errors: `.shape` for shapes that differ, `.dtype` for types that differ.
/// - Source: ONNX SwiGLU 28, as its function body.
public struct SwiGLU: CompositeOperator {
  public let alpha: Float

  public static let schema = Schema(
    "SwiGLU", versions: [28], inputs: [Parameter("A", .floats), Parameter("B", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [AttributeSpec("alpha", .float, "factor inside the sigmoid; default 1")],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let b = try Tensor(shape: [2, 3], [0.5, 1, -1.5, 0.75, 2, -0.25] as [Float])
      return [.init(SwiGLU(), [a, b]), .init(SwiGLU(alpha: 0.5), [a, b])]
    })

  public init(alpha: Float = 1) { self.alpha = alpha }
  public init(reading a: AttributeReader) throws(EngineError) {
    alpha = try a.float("alpha", default: 1)
  }
  public var attributes: [Attribute] { [.float("alpha", alpha)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try check(c.fact(0), c.fact(1))
    return [Fact(c.dtype(0) ?? c.dtype(1), c.dims(0) ?? c.dims(1))]
  }

  private func check(_ a: Fact?, _ b: Fact?) throws(EngineError) {
    try checkSameDType(a?.dtype, b?.dtype)
    guard let a = a?.dims, let b = b?.dims else { return }
    let fits = zip(a, b).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
    guard a.count == b.count, fits else {
      throw EngineError(
        .shape, "the inputs have different shapes", expected: "\(a)", received: "\(b)")
    }
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let a = inputs[0], let x = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    try check(b.fact(of: a), b.fact(of: x))
    return Few(try times(b, b.apply(Swish(alpha: alpha), a), x))
  }
}
