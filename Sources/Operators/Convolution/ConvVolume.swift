import Graphs
import Kernels
import Tensors

extension Conv {
  /// The sizes of a convolution of tensors of settled types.
  func geometry(_ p: Preparation) throws(EngineError) -> ConvGeometry {
    let (x, w) = (try p.input(0).shape, try p.input(1).shape)
    let spatial = 2..<x.rank
    let settled = try window.concrete(
      inputSpatial: spatial.map { x[$0] }, kernel: spatial.map { w[$0] })
    return ConvGeometry(
      batch: x[0], groups: group, channels: w[1], outputs: w[0] / group, input: settled.input,
      output: settled.output, kernel: settled.kernel, strides: settled.strides,
      dilations: settled.dilations, pads: settled.padsBegin)
  }

  /// A kernel on blocked volumes, its sums through `finish`; nil where there is none: less than three
  /// axes, types beside float32, weights or biases that are not constant.
  func prepareVolume(
    _ p: Preparation, _ geometry: ConvGeometry, _ finish: BlockedFinish
  ) throws(EngineError) -> Prepared? {
    let (x, w) = (try p.input(0), try p.input(1))
    guard x.shape.rank == 5, x.dtype == .float32, let weights = p.constant(1), weights.type == w,
      !p.has(2) || p.constant(2) != nil, BlockedVolumePlan.takes(geometry)
    else { return nil }
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
