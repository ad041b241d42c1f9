import Graphs
import Kernels
import Tensors

/// Whether `A > B`, element by element: bool.
///
/// - `A`, `B`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, one type for
///   both; shapes that broadcast together, as NumPy's do.
/// - Before opset 7 `broadcast` and `axis` say how `B` broadcasts; see `BroadcastForm`.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Edges: false where either is NaN.
/// - Source: ONNX Greater 1, 7, 9, 13.
public struct Greater: BinaryElementwise {
  public let form: BroadcastForm

  public static let schema = Schema(
    "Greater", versions: [1, 7, 9, 13],
    inputs: [Parameter("A", .numeric), Parameter("B", .numeric)],
    outputs: [Parameter("C", .bool, "T1")],
    attributes: BroadcastForm.specs,
    cases: {
      let a = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let row = try Tensor([0.5, 3, -2] as [Float])
      let column = try Tensor(shape: [2, 1], [0.3, 1.7] as [Float])
      return [
        .init(Greater(), [a, row]), .init(Greater(), [column, row]), .init(Greater(), [row, a]),
      ]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    form = try BroadcastForm(reading: a)
  }
  public var attributes: [Attribute] { form.attributes }

  public var kernel: BinaryOp { .greater }
  public func integer(_ a: Dim, _ b: Dim) -> Dim? {
    guard let x = a.known, let y = b.known else { return nil }
    return x > y ? 1 : 0
  }
}
