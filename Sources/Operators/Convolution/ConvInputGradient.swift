import Graphs
import Kernels
import Tensors

/// The gradient of `Conv` by its input: what each output pixel adds to the input pixels it read.
///
/// `dX[n, c, o * stride - pad + t * dilation] += dY[n, m, o] * W[m, c, t]`, over all m of c's group.
///
/// - `dY`: `[N, M, O1, ...]`; `W`: `[M, C / group, k1, ...]`; one floating type. `X`: the input of
///   the convolution, `[N, C, D1, ...]`, of which only the shape is read.
/// - Attributes: those of `Conv`.
/// - Output: the shape of X.
/// - Errors: `.shape` for operands that are not of one convolution; `.attribute`.
/// - Accuracy: as `Conv`.
/// - Gradient: by dY a convolution, by W a `ConvWeightGradient`.
/// - Source: domain ai.dlrun 1; `Conv` transposed.
public struct ConvInputGradient: Operator {
  public let window: Window
  public let group: Int

  public static let schema = Schema(
    "ConvInputGradient", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("dY", .floats), Parameter("W", .floats), Parameter("X", .all, "")],
    outputs: [Parameter("dX", .floats)],
    attributes: Window.specs + [
      AttributeSpec("group", .int, "groups that channels fall into; default 1")
    ], isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 4, 5], (0..<80).map { Float($0) })
      let w = try Tensor(shape: [2, 1, 2, 3], (0..<12).map { Float(($0 * 5) % 17) / 8 - 1 })
      let dy = try Tensor(shape: [2, 2, 2, 5], (0..<40).map { Float(($0 * 7) % 23) / 8 - 1 })
      let pads = Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 2])
      return [.init(ConvInputGradient(window: pads, group: 2), [dy, w, x])]
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
    try checkConvGradient(
      window, group, x: c.dims(2), w: c.dims(1), dy: c.dims(0))
    return [Fact(c.dtype(0) ?? c.dtype(1), c.dims(2))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[1], let y = inputs[0] else { return nil }
    return y.product * w.dropFirst().product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (dy, w, x) = (try p.input(0), try p.input(1), try p.output(0))
    guard w.dtype == dy.dtype, let element = GemmElement(dy.dtype), dy.dtype.isFloat else {
      throw p.noKernel()
    }
    if x.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let plan = try ConvInputGradientPlan(
      convGeometry(window, group, x: x.shape, w: w.shape, dy: dy.shape), element: element,
      exact: p.options.exact, threads: p.options.threads)
    return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in
      plan.run(
        dy: m.inputs[0], weights: m.inputs[1], dx: m.outputs[0], scratch: m.scratch, pool: m.pool)
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let up = try g.upstream()
    if g.needs(0) { g.give(0, try b.apply(Conv(window: window, group: group), up, g.input(1))) }
    if g.needs(1) {
      g.give(
        1,
        try b.apply(
          ConvWeightGradient(window: window, group: group), up, g.input(0), g.input(1)))
    }
  }
}

/// The numbers of the convolution of which X, W and the gradient by the output are known.
///
/// Errors: `.shape` when the gradient has another shape than the output.
func convGeometry(
  _ window: Window, _ group: Int, x: Shape, w: Shape, dy: Shape
) throws(EngineError) -> ConvGeometry {
  try checkConvGradient(
    window, group, x: x.array.map { Dim($0) }, w: w.array.map { Dim($0) },
    dy: dy.array.map { Dim($0) })
  return try ConvGeometry(window, group: group, x: x, w: w)
}

/// Errors: `.shape` where X and W do not fit, or dY is not of the output's shape.
func checkConvGradient(
  _ window: Window, _ group: Int, x: [Dim]?, w: [Dim]?, dy: [Dim]?
) throws(EngineError) {
  let facts = try Conv(window: window, group: group).infer(
    Inference(inputs: [Fact(nil, x), Fact(nil, w)]))
  guard let want = facts[0].dims, let dy else { return }
  let fits =
    want.count == dy.count
    && zip(want, dy).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
  guard fits else {
    throw EngineError(
      .shape, "the gradient does not have the shape of the convolution's output",
      expected: "\(want)", received: "\(dy)")
  }
}
