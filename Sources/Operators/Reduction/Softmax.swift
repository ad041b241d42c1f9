import Graphs
import Kernels
import Tensors

/// Exponentials scaled to a sum of 1: `y = e^x / sum(e^x)` along an axis.
///
/// - `input`: float dtypes, any shape of rank 1 or more.
/// - `axis`: `-rank` to `rank - 1`, default -1. Before opset 13 default 1, and all axes from
///   `axis` on are normalised together.
/// - Errors: `.attribute` for an axis out of range.
/// - Edges: a slice with NaN or inf, or all of -inf, gives NaN; without elements, nothing.
/// - Accuracy: sums in 16 fixed lanes; within 4 ulp in float32; deterministic. For float16 and
///   bfloat16 each step of the standard's function body (difference, exponential, sum, quotient)
///   is rounded to the dtype: see `HalfSoftmax`.
/// - Source: ONNX Softmax 1, 11, 13.
public struct Softmax: Operator {
  public let axis: SoftmaxAxis

  public static let schema = Schema(
    "Softmax", versions: [1, 11, 13], inputs: [Parameter("input", .floats)],
    outputs: [Parameter("output", .floats)], attributes: SoftmaxAxis.specs,
    isDifferentiable: true,
    cases: { try SoftmaxAxis.cases { Softmax($0) } })

  public init(_ axis: SoftmaxAxis = SoftmaxAxis()) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try SoftmaxAxis(reading: a)
  }
  public var attributes: [Attribute] { axis.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { try axis.infer(c) }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    if let half = HalfSoftmax(x.dtype) { return try narrow(half, x.shape) }
    guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
    let (outer, n, inner) = try axis.split(x.shape)
    let dtype = x.dtype
    return Prepared(inPlace: 1, label: "softmax") { m in
      SoftmaxKernel.run(
        dtype, log: false, m.inputs[0], outer: outer, n: n, inner: inner, into: m.outputs[0],
        pool: m.pool)
    }
  }

  private func narrow(_ kernel: HalfSoftmax, _ shape: Shape) throws(EngineError) -> Prepared {
    let (outer, n, inner) = try axis.split(shape)
    return Prepared(
      scratchBytes: shape.count * 4 + HalfSoftmax.sumCount(outer: outer, inner: inner) * 4,
      label: "softmax of halves"
    ) { m in
      kernel.run(
        m.inputs[0], outer: outer, n: n, inner: inner, into: m.outputs[0],
        scratch: m.scratch.assumingMemoryBound(to: Float.self), pool: m.pool)
    }
  }
}

extension Softmax {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (y, dy) = (g.output, try g.upstream())
    let folded = try axis.folded(rank: knownRank(b, y))
    g.give(0, try times(b, y, minus(b, dy, sum(b, times(b, dy, y), folded))))
  }
}
