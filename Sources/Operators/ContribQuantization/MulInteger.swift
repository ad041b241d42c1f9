import Graphs
import Kernels
import Tensors

/// The product of 8-bit integers less their zero points: `C = (A - A_zero) (B - B_zero)`.
///
/// - `A`, `B`: int8 or uint8, shapes that broadcast; zero points (optional, 0): A's type, one
///   element. `C`: int32.
/// - Errors: `.shape` for shapes that do not broadcast.
/// - Source: com.microsoft MulInteger 1. Its documentation: ONNX Runtime has no kernel for it.
public struct MulInteger: CompositeOperator {
  public static let schema = Schema(
    "MulInteger", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("A", MatMulInteger.types), .optional("A_zero_point", MatMulInteger.types),
      Parameter("B", MatMulInteger.types), .optional("B_zero_point", MatMulInteger.types),
    ],
    outputs: [Parameter("C", DTypes(.int32), "T1")],
    cases: {
      let a = try Tensor(shape: [2, 3], [11, 7, 3, 10, 6, 255] as [UInt8])
      let b = try Tensor([3, 100, 4] as [UInt8])
      let zero = try Tensor(scalar: 9 as UInt8)
      return [.init(MulInteger(), [a, zero, b, nil]), .init(MulInteger(), [b, nil, a, zero])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func wide(_ i: Int) throws(EngineError) -> B.Value {
      guard i < inputs.count, let x = inputs[i] else {
        throw EngineError(.arity, "an input is missing")
      }
      let numbers = try b.apply(Cast(to: .int32), x)
      guard i + 1 < inputs.count, let zero = inputs[i + 1] else { return numbers }
      return try minus(b, numbers, b.apply(Cast(to: .int32), zero))
    }
    return Few(try times(b, wide(0), wide(2)))
  }
}
