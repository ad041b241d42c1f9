import Graphs
import Kernels
import Tensors

/// The logarithm of softmax: `y = x - log(sum(e^x))` along an axis.
///
/// - `input`: float dtypes, any shape of rank 1 or more. float16 and bfloat16 are computed in
///   float32.
/// - `axis`: `-rank` to `rank - 1`, default -1. Before opset 13 default 1, and all axes from
///   `axis` on are normalised together.
/// - Errors: `.attribute` for an axis out of range.
/// - Edges: a slice with NaN or inf, or all of -inf, gives NaN; without elements, nothing.
/// - Accuracy: sums in 16 fixed lanes; within 4 ulp in float32; deterministic.
/// - Source: ONNX LogSoftmax 1, 11, 13.
public struct LogSoftmax: Operator {
  public let axis: SoftmaxAxis

  public static let schema = Schema(
    "LogSoftmax", versions: [1, 11, 13], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)], attributes: SoftmaxAxis.specs,
    isDifferentiable: true,
    cases: { try SoftmaxAxis.cases { LogSoftmax($0) } })

  public init(_ axis: SoftmaxAxis = SoftmaxAxis()) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try SoftmaxAxis(reading: a)
  }
  public var attributes: [Attribute] { axis.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { try axis.infer(c) }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
    let (outer, n, inner) = try axis.split(x.shape)
    let dtype = x.dtype
    return Prepared(inPlace: 1, label: "softmax") { m in
      SoftmaxKernel.run(
        dtype, log: true, m.inputs[0], outer: outer, n: n, inner: inner, into: m.outputs[0],
        pool: m.pool)
    }
  }
}

extension LogSoftmax {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (y, dy) = (g.output, try g.upstream())
    let folded = try axis.folded(rank: knownRank(b, y))
    g.give(0, try minus(b, dy, times(b, b.apply(Exp(), y), sum(b, dy, folded))))
  }
}
