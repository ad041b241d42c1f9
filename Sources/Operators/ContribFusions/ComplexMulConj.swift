import Graphs
import Tensors

/// The product of complex numbers and conjugates, `A conj(B)`, real and imaginary parts along the
/// last axis.
///
/// - `A`, `B`: float16, float32 or float64 `[..., 2]`, shapes that broadcast. `C`: their type.
/// - Errors: `.shape` for shapes that do not broadcast or whose last size is not 2.
/// - Source: com.microsoft ComplexMulConj 1. Its documentation: ONNX Runtime has no kernel for its
///   plain processor.
public struct ComplexMulConj: CompositeOperator {
  public static let schema = Schema(
    "ComplexMulConj", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("A", FusedConv.types), Parameter("B", FusedConv.types)],
    outputs: [Parameter("C", FusedConv.types)],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 2], [1, 2, -3, 0.5] as [Float])
      return [.init(ComplexMulConj(), [a, try Tensor(shape: [1, 2], [0.25, -1.5] as [Float])])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    Few(try complexProduct(b, inputs, conjugates: true))
  }
}
