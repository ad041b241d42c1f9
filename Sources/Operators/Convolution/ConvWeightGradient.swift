import Graphs
import Kernels
import Tensors

/// The gradient of `Conv` by its weights.
///
/// `dW[m, c, t] = sum over n, o of dY[n, m, o] * X[n, c, o * stride - pad + t * dilation]`.
///
/// - `X`: `[N, C, D1, ...]`; `dY`: `[N, M, O1, ...]`; one floating type. `W`: the weights,
///   `[M, C / group, k1, ...]`, of which only the shape is read.
/// - Attributes: those of `Conv`.
/// - Output: the shape of W.
/// - Errors: `.shape` for operands that are not of one convolution; `.attribute`.
/// - Accuracy: float32 sums for types up to 32 bits, float64 for float64; the same for any number
///   of threads.
/// - Gradient: by X a `ConvInputGradient`, by dY a convolution.
/// - Source: domain ai.dlrun 1.
public struct ConvWeightGradient: Operator {
  public let window: Window
  public let group: Int

  public static let schema = Schema(
    "ConvWeightGradient", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", .floats), Parameter("dY", .floats), Parameter("W", .all, "")],
    outputs: [Parameter("dW", .floats)],
    attributes: Window.specs + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1")
    ], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 4, 5], (0..<80).map { Float(($0 * 7) % 23) / 8 - 1 })
      let w = try Tensor(shape: [2, 1, 2, 3], (0..<12).map { Float($0) })
      let dy = try Tensor(shape: [2, 2, 2, 5], (0..<40).map { Float(($0 * 5) % 19) / 8 - 1 })
      let wide = try Tensor(shape: [3, 2, 2, 3], (0..<36).map { Float($0) })
      let up = try Tensor(shape: [2, 3, 3, 3], (0..<54).map { Float(($0 * 5) % 19) / 8 - 1 })
      let pads = Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 2])
      return [
        .init(ConvWeightGradient(window: pads, group: 2), [x, dy, w]),
        .init(ConvWeightGradient(), [x, up, wide]),
      ]
    })

  public init(window: Window = Window(), group: Int = 1) {
    self.window = window
    self.group = group
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
    group = try Conv.group(a)
  }
  public var attributes: [Attribute] { window.attributes + [.int("group", group)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkConvGradient(window, group, x: c.dims(0), w: c.dims(2), dy: c.dims(1))
    return [Fact(c.dtype(0) ?? c.dtype(1), c.dims(2))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[2], let y = inputs[1] else { return nil }
    return y.product * w.dropFirst().product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, dy, w) = (try p.input(0), try p.input(1), try p.output(0))
    guard dy.dtype == x.dtype, let element = GemmElement(x.dtype), x.dtype.isFloat else {
      throw p.noKernel()
    }
    if w.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let plan = ConvWeightGradientPlan(
      try convGeometry(window, group, x: x.shape, w: w.shape, dy: dy.shape), element: element,
      exact: p.options.exact, threads: p.options.threads)
    return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in
      plan.run(
        x: m.inputs[0], dy: m.inputs[1], dw: m.outputs[0], scratch: m.scratch, pool: m.pool)
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let up = try g.upstream()
    if g.needs(0) {
      g.give(
        0,
        try b.apply(ConvInputGradient(window: window, group: group), g.input(1), up, g.input(0)))
    }
    if g.needs(1) { g.give(1, try b.apply(Conv(window: window, group: group), g.input(0), up)) }
  }
}
