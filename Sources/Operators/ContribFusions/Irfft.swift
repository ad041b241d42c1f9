import Graphs
import Tensors

/// Real signals from one side of their Fourier transforms: the inverse of Rfft.
///
/// - `X`: float16, float32 or float64 `[..., m, 2]`, real and imaginary parts; `Y`: its type
///   `[..., 2 (m - 1)]`, divided by its length.
/// - Attributes, accuracy: as Rfft.
/// - Source: com.microsoft Irfft 1. Its documentation: ONNX Runtime has no kernel for its plain
///   processor.
public struct Irfft: CompositeOperator {
  public static let schema = Schema(
    "Irfft", domain: "com.microsoft", versions: [1], inputs: [Parameter("X", FusedConv.types)],
    outputs: [Parameter("Y", FusedConv.types)], attributes: Rfft.specs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 3, 2], [1, 0, 3, 0.5, 0.25, 0] as [Float])
      return [.init(Irfft(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) { try Rfft.check(a) }
  public var attributes: [Attribute] { Rfft.written }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let last = try b.constant(Tensor([-1] as [Int64]))
    return Few(
      try b.apply(Squeeze(), b.apply(DFT(isInverse: true, isOneSided: true), x), last))
  }
}
