import Graphs
import Kernels
import Tensors

/// Negation of bools: `Y = !X`.
///
/// - `X`: bool, any shape.
/// - Errors: `.dtype` for other element types.
/// - Source: ONNX Not 1.
public struct Not: UnaryElementwise {
  public static let schema = Schema(
    "Not", versions: [1], inputs: [Parameter("X", .bool)], outputs: [Parameter("Y", .bool)],
    cases: { [.init(Not(), [try Tensor(shape: [1, 3], [true, false, true] as [Bool])])] })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.logicalNot
  public static func integer(_ x: Dim) -> Dim? { x.known.map { $0 == 0 ? 1 : 0 } }
}
