import Graphs
import Kernels
import Tensors

extension ByteConv {
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard w.dtype == .int8 else { throw p.noKernel() }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    // What is not known before the run is packed in each.
    guard w.count > 0, x.count > 0, let weights = p.constant(1), weights.type == w,
      let scales = p.constant(2), !p.has(3) || p.constant(3) != nil
    else { return .dynamic }
    let plan = try plan(p, x.shape, weights, scales, p.has(3) ? p.constant(3) : nil)
    let residual = p.has(4)
    return Prepared(
      scratchBytes: plan.scratchBytes, inPlace: residual ? 1 << 4 : 0, label: plan.label
    ) { m in
      plan.run(
        x: m.input(0), residual: residual ? m.input(4) : nil, y: m.output(0), scratch: m.scratch,
        pool: m.pool)
    }
  }

  private func plan(
    _ p: Preparation, _ image: Shape, _ weights: Tensor, _ scales: Tensor, _ bias: Tensor?
  ) throws(EngineError) -> ByteConvPlan {
    let m = weights.shape[0]
    let packed = try ByteConvWeights(conv, image: image, weights, p) { BytePanels($0) }
    defer { withExtendedLifetime(packed) {} }
    let steps = try scales.values(as: Float.self)
    let factors = (0..<m).map { x.scale * steps[steps.count == 1 ? 0 : $0] }
    var (whole, offsets): ([Int32]?, [Float]?)
    if let bias {
      if bias.dtype == .int32 {
        whole = try bias.values(as: Int32.self)
      } else {
        offsets = try bias.values(as: Float.self)
      }
    }
    return try ByteConvPlan(
      packed.panels, filter: packed.filter, sums: packed.sums, scales: factors, bias: whole,
      offsets: offsets, xZero: x.zero, finish: finish, threads: p.options.threads)
  }

  /// With weights that are not known before the run.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try evaluatePrepared(e, .uint8)
  }
}
