import Graphs
import Kernels
import Tensors

/// Flips every bit of integers.
///
/// - `X`: int8 to int64, uint8 to uint64, any shape; the result has the same type.
/// - Errors: `.dtype` for other element types.
/// - Source: ONNX BitwiseNot 18.
public struct BitwiseNot: UnaryElementwise {
  public static let schema = Schema(
    "BitwiseNot", versions: [18], inputs: [Parameter("X", .ints)],
    outputs: [Parameter("Y", .ints)],
    cases: {
      [
        .init(BitwiseNot(), [try Tensor([1, -2, 0] as [Int32])]),
        .init(BitwiseNot(), [try Tensor([1, 200, 0] as [UInt8])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.bitNot
}
