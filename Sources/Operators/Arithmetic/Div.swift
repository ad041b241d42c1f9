import Graphs
import Kernels
import Tensors

/// Quotient: `C = A / B`; of integers without the fraction.
///
/// - `A`, `B`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, one type for
///   both; shapes that broadcast together, as NumPy's do.
/// - Before opset 7 `broadcast` and `axis` say how `B` broadcasts; see `BroadcastForm`.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for other or differing element
///   types.
/// - Edges: an integer divided by 0 gives 0, where ONNX says nothing; the least integer divided by
///   -1 wraps. Floats follow IEEE 754.
/// - Gradient: `dC / B` and `-dC C / B`. Summed over broadcast axes.
/// - Source: ONNX Div 1, 6, 7, 13, 14.
public struct Div: BinaryElementwise {
  public let form: BroadcastForm

  public static let schema = Schema(
    "Div", versions: [1, 6, 7, 13, 14],
    inputs: [Parameter("A", .numeric), Parameter("B", .numeric)],
    outputs: [Parameter("C", .numeric)],
    attributes: BroadcastForm.specs + [.consumedInputs], isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let row = try Tensor([0.5, 3, -2] as [Float])
      let column = try Tensor(shape: [2, 1], [0.3, 1.7] as [Float])
      return [.init(Div(), [a, row]), .init(Div(), [column, row]), .init(Div(), [row, a])]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    form = try BroadcastForm(reading: a)
  }
  public var attributes: [Attribute] { form.attributes }

  public var kernel: BinaryOp { .div }
  public func integer(_ a: Dim, _ b: Dim) -> Dim? {
    guard let y = b.known else { return a == b ? 1 : a / b }
    if let x = a.known { return y == 0 || (x == .min && y == -1) ? nil : Dim(x / y) }
    // Dim rounds down, the operator towards zero: the same for sizes, which are not negative.
    return y > 0 ? a / b : nil
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dz = try g.upstream()
    let y = try form.aligned(b, x, g.input(1))
    let dx = try over(b, dz, y)
    if g.needs(0) { g.give(0, try unbroadcast(b, dx, like: x)) }
    if g.needs(1) {
      let dy = try b.apply(Neg(), times(b, dx, g.output))
      g.give(1, try form.restored(b, unbroadcast(b, dy, like: y), like: g.input(1)))
    }
  }
}
