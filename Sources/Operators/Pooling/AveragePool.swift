import Graphs
import Kernels
import Tensors

/// The mean under a sliding window.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`.
/// - Attributes: `kernel_shape`, `strides`, `dilations`, `pads`, `auto_pad`, `ceil_mode` as in
///   `Window`; `count_include_pad` 1: pads count as zeros. What a last window of `ceil_mode`
///   covers behind the pads never counts.
/// - Errors: `.shape` for a rank below 3 or a window larger than its padded input; `.attribute`.
/// - Edges: a window in pads alone gives NaN unless pads count.
/// - Source: ONNX AveragePool 1, 7, 10, 11, 19, 22.
public struct AveragePool: Operator {
  public let window: Window
  public let countsPads: Bool

  public static let schema = Schema(
    "AveragePool", versions: [1, 7, 10, 11, 19, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: poolSpecs.known(since: ["ceil_mode": 10, "dilations": 19]) + [
      AttributeSpec("count_include_pad", .int, "1: pads count as zeros; default 0", since: 7)
    ],
    isDifferentiable: true,
    cases: {
      let x = try poolExample()
      let padded = Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
      return [
        .init(AveragePool(Window(kernel: [2, 2])), [x]),
        .init(AveragePool(padded), [x]),
        .init(AveragePool(padded, countsPads: true), [x]),
      ]
    })

  public init(_ window: Window, countsPads: Bool = false) {
    self.window = window
    self.countsPads = countsPads
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
    countsPads = try a.bool("count_include_pad", default: false)
  }
  public var attributes: [Attribute] {
    window.attributes + (countsPads ? [.bool("count_include_pad", true)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), try pooledDims(c, window))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
    let kernel = try poolKernel(.average(countsPads: countsPads), window, x.shape)
    let dtype = x.dtype
    return Prepared(label: "average pool") { m in
      kernel.run(dtype, m.inputs[0], into: m.outputs[0], pool: m.pool)
    }
  }
}

extension AveragePool {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    let axes = try knownRank(b, x) - 2
    // What one element counts in each window: the mean of ones over how many lie in the input.
    let head = try b.constant(Tensor([1, 1] as [Int64]))
    let spatial = try b.apply(ShapeOp(start: 2, end: 2 + axes), x)
    let one = try plus(b, scalar(b, 0, like: x), 1)
    let ones = try b.apply(Expand(), one, b.apply(Concat(axis: 0), inputs: [head, spatial]))
    let share = try over(b, b.apply(self, ones), b.apply(WindowSum(window), ones))
    g.give(0, try b.apply(WindowSpread(window), times(b, g.upstream(), share), x))
  }
}
