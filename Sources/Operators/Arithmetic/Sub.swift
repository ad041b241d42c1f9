import Graphs
import Kernels
import Tensors

/// Difference: `C = A - B`.
///
/// - `A`, `B`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, one type for
///   both; shapes that broadcast together, as NumPy's do.
/// - Before opset 7 `broadcast` and `axis` say how `B` broadcasts; see `BroadcastForm`.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Edges: integers wrap.
/// - Gradient: `dC` and `-dC`. Summed over broadcast axes.
/// - Source: ONNX Sub 1, 6, 7, 13, 14.
public struct Sub: BinaryElementwise {
  public let form: BroadcastForm

  public static let schema = Schema(
    "Sub", versions: [1, 6, 7, 13, 14],
    inputs: [Parameter("A", .numeric), Parameter("B", .numeric)],
    outputs: [Parameter("C", .numeric)],
    attributes: BroadcastForm.specs + [.consumedInputs], isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let row = try Tensor([0.5, 3, -2] as [Float])
      let column = try Tensor(shape: [2, 1], [0.3, 1.7] as [Float])
      return [.init(Sub(), [a, row]), .init(Sub(), [column, row]), .init(Sub(), [row, a])]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    form = try BroadcastForm(reading: a)
  }
  public var attributes: [Attribute] { form.attributes }

  public var kernel: BinaryOp { .sub }
  public func integer(_ a: Dim, _ b: Dim) -> Dim? { a - b }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let dz = try g.upstream()
    if g.needs(0) { g.give(0, try unbroadcast(b, dz, like: g.input(0))) }
    if g.needs(1) {
      let y = try form.aligned(b, g.input(0), g.input(1))
      let dy = try unbroadcast(b, b.apply(Neg(), dz), like: y)
      g.give(1, try form.restored(b, dy, like: g.input(1)))
    }
  }
}
