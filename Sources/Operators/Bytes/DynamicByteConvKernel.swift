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
    let plan = try plan(
      x.shape, weights, scales, p.has(5) ? p.constant(5) : nil, threads: p.options.threads,
      filter: { (form, make) throws(EngineError) in try p.packed(weights, as: form, make: make) },
      sums: { (form, make) throws(EngineError) in try p.packed(weights, as: form, make: make) })
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

  private typealias Packer<Form> = (
    String, (PackedSpace) throws(EngineError) -> Form
  ) throws(EngineError) -> Form

  private func plan(
    _ image: Shape, _ weights: Tensor, _ scales: Tensor, _ bias: Tensor?, threads: Int,
    filter: Packer<ByteFilter>, sums: Packer<Storage>
  ) throws(EngineError) -> ByteFloatConvPlan {
    let w = weights.shape
    let (m, part) = (w[0], w[1])
    let settled = try conv.window.concrete(
      inputSpatial: [image[1], image[2]], kernel: [w[2], w[3]])
    let g = ConvGeometry(
      batch: image[0], groups: conv.group, channels: part, outputs: m / conv.group,
      input: settled.input, output: settled.output, kernel: settled.kernel,
      strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
    let panels = ByteFloatConvPlan.panels(g, block: block)
    defer { withExtendedLifetime(weights) {} }
    let from = UnsafeRawPointer(weights.storage.bytes).assumingMemoryBound(to: Int8.self)
    let packed = try filter(panels.form) { (space) throws(EngineError) in
      try ByteFilter(panels, source: from, space: space)
    }
    let total = try sums("byte sums, positive sums") { (space) throws(EngineError) in
      try ByteFilter.sums(from, outputs: m, count: part * w[2] * w[3], space: space)
    }
    defer { withExtendedLifetime(total) {} }
    let steps = try scales.values(as: Float.self)
    let bounds = activation.bounds ?? (-.infinity, .infinity)
    return try ByteFloatConvPlan(
      panels, filter: packed,
      sums: UnsafeRawPointer(total.bytes).assumingMemoryBound(to: Int32.self),
      scales: (0..<m).map { steps[steps.count == 1 ? 0 : $0] },
      offsets: try bias?.values(as: Float.self), weightZero: weightZero, low: bounds.low,
      high: bounds.high, block: block, threads: threads)
  }

  /// With weights that are not known before the run.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var t: [Tensor?] = []
    for input in e.inputs { t.append(try input?.asTensor()) }
    let facts = t.map { $0.map { Fact($0.dtype, $0.shape.array.map { Dim($0) }) } }
    guard let dims = try infer(Inference(inputs: facts)).first?.dims else {
      throw EngineError(.arity, "an input is missing")
    }
    let y = Tensor(try Storage(TensorType(.float32, Shape(dims.map { $0.known ?? 0 }))))
    let p = Preparation(
      inputs: t.map { $0?.type }, outputs: [y.type], constants: t, options: e.options)
    let kernel = try prepare(p)
    guard kernel.kind == .kernel else { throw p.noKernel() }
    let scratch = Tensor(try Storage(TensorType(.uint8, [kernel.scratchBytes])))
    let pointers = t.map { $0?.storage.bytes ?? Storage.empty } + [y.storage.bytes]
    try pointers.span.withUnsafeBufferPointer { (list) throws(EngineError) in
      // One pointer at least is never no pointer.
      guard let base = list.baseAddress else { return }
      try kernel.run(
        Memory(
          inputs: base, outputs: base + t.count, scratch: scratch.storage.bytes, pool: e.pool))
    }
    withExtendedLifetime((t, y, scratch)) {}
    return [.tensor(y)]
  }
}
