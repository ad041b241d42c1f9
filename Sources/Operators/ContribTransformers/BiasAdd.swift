import Graphs
import Tensors

/// A bias and a residual added: `Y = X + bias + skip`.
///
/// - `X`, `skip`: float16 or float32 `[N, S, C]`; `bias`: `[C]`.
/// - Errors: `.shape` for a bias of another length or a skip of another shape.
/// - Source: ONNX Runtime's BiasAdd of domain com.microsoft, version 1.
public struct BiasAdd: CompositeOperator {
  static let types = DTypes(.float16, .float32)
  public static let schema = Schema(
    "BiasAdd", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("X", types), Parameter("bias", types), Parameter("skip", types)],
    outputs: [Parameter("Y", types)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 1, 2], [1.5, -0.75, 0.25, 2] as [Float])
      let skip = try Tensor(shape: [2, 1, 2], [0.5, 1, -2, 4] as [Float])
      return [.init(BiasAdd(), [x, try Tensor([0.5, -1] as [Float]), skip])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let bias = inputs[1], let skip = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let (dims, other) = (b.fact(of: x).dims, b.fact(of: skip).dims)
    try checkRowBias(dims, b.fact(of: bias).dims, "bias")
    if let dims, let other {
      let fits = zip(dims, other).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard dims.count == other.count, fits else {
        throw EngineError(
          .shape, "skip has another shape", expected: "\(dims)", received: "\(other)")
      }
    }
    return Few(try plus(b, plus(b, x, bias), skip))
  }
}
