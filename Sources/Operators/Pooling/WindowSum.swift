import Graphs
import Kernels
import Tensors

/// The sum under a sliding window; pads count as zeros.
///
/// - `X`: float dtypes, `[N, C, D1, ...]`.
/// - Attributes: `kernel_shape`, `strides`, `dilations`, `pads`, `auto_pad`, `ceil_mode` as in
///   `Window`.
/// - Errors: `.shape` for a rank below 3 or a window larger than its padded input; `.attribute`.
/// - Accuracy: float32 sums for types up to 32 bits, axis after axis.
/// - Gradient: `WindowSpread`.
/// - Source: domain ai.dlrun 1; what the gradients of poolings are made of.
public struct WindowSum: Operator {
  public let window: Window

  public static let schema = Schema(
    "WindowSum", domain: "ai.dlrun", versions: [1], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)], attributes: poolSpecs, isDifferentiable: true,
    cases: {
      let x = try poolExample()
      let padded = Window(kernel: [3, 2], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 0])
      return [
        .init(WindowSum(padded), [x]),
        .init(WindowSum(Window(kernel: [2, 2], strides: [3, 1], ceilMode: true)), [x]),
        .init(WindowSum(Window(kernel: [2, 3], dilations: [2, 1], autoPad: .sameUpper)), [x]),
      ]
    })

  public init(_ window: Window) { self.window = window }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
  }
  public var attributes: [Attribute] { window.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), try pooledDims(c, window))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    return try windowSum(p, window, try p.input(0).shape, spreads: false)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try b.apply(WindowSpread(window), g.upstream(), g.input(0)))
  }
}

/// The kernel of both directions for an input of `shape`.
func windowSum(
  _ p: Preparation, _ window: Window, _ shape: Shape, spreads: Bool
) throws(EngineError) -> Prepared {
  let dtype = try p.input(0).dtype
  guard dtype == .float32 || dtype == .float64 else { throw p.noKernel() }
  let kernel = WindowSumKernel(
    planes: shape[0] * shape[1], axes: try poolAxes(window, shape), spreads: spreads,
    threads: p.options.threads)
  return Prepared(
    scratchBytes: kernel.scratchBytes(dtype), label: spreads ? "window spread" : "window sum"
  ) { m in
    kernel.run(dtype, m.inputs[0], into: m.outputs[0], scratch: m.scratch, pool: m.pool)
  }
}
