import Graphs
import Kernels
import Tensors

/// Bitwise exclusive or of two's complement integers.
///
/// - `A`, `B`: int8 to int64, uint8 to uint64, one type for both; shapes that broadcast together,
///   as NumPy's do.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Source: ONNX BitwiseXor 18.
public struct BitwiseXor: BinaryElementwise {
  public static let schema = Schema(
    "BitwiseXor", versions: [18],
    inputs: [Parameter("A", .ints), Parameter("B", .ints)],
    outputs: [Parameter("C", .ints)],
    cases: {
      let a = try Tensor(shape: [2, 3], [12, 7, 1, 255, 64, 9] as [Int32])
      let row = try Tensor([3, 5, 6] as [Int32])
      return [.init(BitwiseXor(), [a, row]), .init(BitwiseXor(), [row, a])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public var kernel: BinaryOp { .bitXor }
}
