import Graphs
import Kernels
import Tensors

/// Whether either holds, element by element: bool.
///
/// - `A`, `B`: bool, one type for both; shapes that broadcast together, as NumPy's do.
/// - Before opset 7 `broadcast` and `axis` say how `B` broadcasts; see `BroadcastForm`.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Source: ONNX Or 1, 7.
public struct Or: BinaryElementwise {
  public let form: BroadcastForm

  public static let schema = Schema(
    "Or", versions: [1, 7],
    inputs: [Parameter("A", .bool), Parameter("B", .bool)],
    outputs: [Parameter("C", .bool, "T1")],
    attributes: BroadcastForm.specs,
    cases: {
      let a = try Tensor(shape: [2, 2], [true, false, true, false] as [Bool])
      let row = try Tensor([true, false] as [Bool])
      return [.init(Or(), [a, row])]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    form = try BroadcastForm(reading: a)
  }
  public var attributes: [Attribute] { form.attributes }

  public var kernel: BinaryOp { .logicalOr }
}
