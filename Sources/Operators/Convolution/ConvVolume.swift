import Graphs
import Kernels
import Tensors

extension Conv {
  /// A kernel on blocked volumes, its sums through `finish`; nil where there is none: less than three
  /// axes, types beside float32, weights or biases that are not constant.
  func prepareVolume(
    _ p: Preparation, _ finish: BlockedFinish = .none
  ) throws(EngineError) -> Prepared? {
    let (x, w) = (try p.input(0), try p.input(1))
    guard x.shape.rank == 5, x.dtype == .float32, w.dtype == .float32,
      let weights = p.constant(1), weights.type == w,
      !p.has(2) || p.constant(2)?.dtype == .float32
    else { return nil }
    let geometry = try ConvGeometry(window, group: group, x: x.shape, w: w.shape)
    guard BlockedVolumePlan.takes(geometry) else { return nil }
    let bias = p.has(2) ? p.constant(2) : nil
    defer { withExtendedLifetime((weights, bias)) {} }
    func floats(_ t: Tensor) -> UnsafePointer<Float> {
      UnsafeRawPointer(t.storage.bytes).assumingMemoryBound(to: Float.self)
    }
    let plan = try BlockedVolumePlan(
      geometry, finish: finish, weights: floats(weights), bias: bias.map(floats),
      exact: p.options.exact, compact: p.options.compact, threads: p.options.threads,
      pack: p.blockedPacker(weights, bias: bias))
    return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in
      plan.run(x: m.input(0), y: m.output(0), scratch: m.scratch, pool: m.pool)
    }
  }
}
