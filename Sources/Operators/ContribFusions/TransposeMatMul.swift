import Graphs
import Kernels
import Tensors

/// FusedMatMul under its first name, without the transposes of leading axes.
///
/// - Inputs, attributes, errors: as FusedMatMul.
/// - Source: com.microsoft TransposeMatMul 1.
public struct TransposeMatMul: RenamedOperator {
  public let inner: FusedMatMul

  public static let schema = Schema(
    "TransposeMatMul", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("A", .floats), Parameter("B", .floats)], outputs: [Parameter("Y", .floats)],
    attributes: Array(FusedMatMul.specs.prefix(3)),
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      return [.init(TransposeMatMul(alpha: 2, transB: true), [x, x])]
    })

  public init(alpha: Float = 1, transA: Bool = false, transB: Bool = false) {
    inner = FusedMatMul(
      alpha: alpha, a: .init(isTransposed: transA), b: .init(isTransposed: transB))
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    inner = try FusedMatMul(reading: a)
  }
  public var attributes: [Attribute] { Array(inner.attributes.prefix(3)) }
}
