import Graphs
import Kernels
import Tensors

/// Rectifier whose slope below 0 is an input: `Y = X` where `X >= 0`, `slope X` below.
///
/// - `X`: float16, bfloat16, float32, float64, int32, int64, uint32, uint64, any shape. `slope`:
///   the same type; broadcasts to the shape of `X`, which is the result's. Before opset 7 it is
///   `[C]` or one element.
/// - Errors: `.shape` when the slope does not broadcast to `X`, `.dtype` for other or differing
///   element types.
/// - Edges: NaN stays.
/// - Gradient: `dY` where `X >= 0`, `slope dY` below; for the slope `X dY` where `X < 0`, summed
///   over broadcast axes.
/// - Source: ONNX PRelu 1, 6, 7, 9, 16.
public struct PRelu: BinaryElementwise {
  /// Before opset 7 the slope's one axis is the channels'. No attribute says so.
  public let form: BroadcastForm

  static let types: DTypes = [.floats, DTypes(.int32, .int64, .uint32, .uint64)]

  public static let schema = Schema(
    "PRelu", versions: [1, 6, 7, 9, 16],
    inputs: [Parameter("X", types), Parameter("slope", types)],
    outputs: [Parameter("Y", types)],
    attributes: [.consumedInputs], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [
        .init(PRelu(), [x, try Tensor([0.1, 0.2, 0.3] as [Float])]),
        .init(PRelu(), [x, try Tensor(shape: [2, 1], [0.1, 0.2] as [Float])]),
      ]
    })

  public init(form: BroadcastForm = .both) { self.form = form }
  public init(reading a: AttributeReader) throws(EngineError) {
    // A slope for each channel, or one for all.
    form = a.opset < 7 ? .second(axis: 1) : .both
  }

  public var kernel: BinaryOp { .prelu }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(0), c.dtype(1))
    if let x = c.dims(0), let both = try form.dims(x, c.dims(1)), both.count != x.count {
      throw EngineError(
        .shape, "slope does not broadcast to X", expected: "at most \(x.count) axes",
        received: "\(both.count)")
    }
    return [Fact(c.dtype(0) ?? c.dtype(1), c.dims(0))]
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let slope = try form.aligned(b, x, g.input(1))
    let below = try isLess(b, x, 0)
    if g.needs(0) { g.give(0, try b.apply(Where(), below, times(b, dy, slope), dy)) }
    if g.needs(1) {
      let sum = try unbroadcast(b, masked(b, times(b, dy, x), where: below), like: slope)
      g.give(1, try form.restored(b, sum, like: g.input(1)))
    }
  }
}
