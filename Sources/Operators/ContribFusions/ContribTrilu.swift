import Graphs
import Tensors

/// ONNX's Trilu in com.microsoft's domain: one triangle of each matrix, zeros elsewhere.
///
/// - Inputs, attributes, errors: as Trilu.
/// - Source: com.microsoft Trilu 1.
public struct ContribTrilu: RenamedOperator {
  public let inner: Trilu

  public static let schema = Schema(
    "Trilu", domain: "com.microsoft", versions: [1], inputs: Trilu.schema.inputs,
    outputs: Trilu.schema.outputs, attributes: Trilu.schema.attributes,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 3], (0..<18).map { Float($0 + 1) })
      return [.init(ContribTrilu(isUpper: false), [x, try Tensor(scalar: 1 as Int64)])]
    })

  public init(isUpper: Bool = true) { inner = Trilu(isUpper: isUpper) }
  public init(reading a: AttributeReader) throws(EngineError) { inner = try Trilu(reading: a) }
  public var attributes: [Attribute] { inner.attributes }
}
