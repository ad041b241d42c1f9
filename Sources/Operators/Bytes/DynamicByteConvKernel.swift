import Graphs
import Kernels
import Tensors

extension DynamicByteConv {
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(3), try p.output(0))
    guard w.dtype == .int8 else { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    // What is not known before the run is packed in each.
    guard w.count > 0, x.count > 0, let weights = p.constant(3), weights.type == w,
      let scales = p.constant(4), !p.has(5) || p.constant(5) != nil
    else { return .dynamic }
    let plan = try plan(p, x.shape, weights, scales, p.has(5) ? p.constant(5) : nil)
    let residual = p.has(6)
    let inner = Prepared(
      scratchBytes: plan.scratchBytes, inPlace: residual ? 1 << 6 : 0, label: plan.label
    ) { m in
      let scale = PixelScale(m.input(1, Float.self)[0], zero: Int(m.input(2, UInt8.self)[0]))
      plan.run(
        x: m.input(0), scale, residual: residual ? m.input(6) : nil, y: m.output(0),
        scratch: m.scratch, pool: m.pool)
    }
    return activation.bounds == nil ? try activation.after(inner, p) : inner
  }

  private func plan(
    _ p: Preparation, _ image: Shape, _ weights: Tensor, _ scales: Tensor, _ bias: Tensor?
  ) throws(EngineError) -> ByteFloatConvPlan {
    let m = weights.shape[0]
    let packed = try ByteConvWeights(conv, image: image, weights, p) {
      ByteFloatConvPlan.panels($0, block: block)
    }
    defer { withExtendedLifetime(packed) {} }
    let steps = try scales.values(as: Float.self)
    let bounds = activation.bounds ?? (-.infinity, .infinity)
    return try ByteFloatConvPlan(
      packed.panels, filter: packed.filter, sums: packed.sums,
      scales: (0..<m).map { steps[steps.count == 1 ? 0 : $0] },
      offsets: try bias?.values(as: Float.self), weightZero: weightZero, low: bounds.low,
      high: bounds.high, block: block, threads: p.options.threads)
  }

  /// With weights that are not known before the run.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try evaluatePrepared(e, .float32)
  }
}
