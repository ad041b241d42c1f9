import Graphs
import Kernels
import Tensors

/// Whether just one holds, element by element: bool.
///
/// - `A`, `B`: bool, one type for both; shapes that broadcast together, as NumPy's do.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Source: ONNX Xor 7.
public struct Xor: BinaryElementwise {
  public static let schema = Schema(
    "Xor", versions: [7],
    inputs: [Parameter("A", .bool), Parameter("B", .bool)],
    outputs: [Parameter("C", .bool, "T1")],
    cases: {
      let a = try Tensor(shape: [2, 2], [true, false, true, false] as [Bool])
      let row = try Tensor([true, false] as [Bool])
      return [.init(Xor(), [a, row])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public var kernel: BinaryOp { .logicalXor }
}
