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
    let plan = try plan(
      x.shape, weights, scales, p.has(3) ? p.constant(3) : nil, threads: p.options.threads,
      filter: { (form, make) throws(EngineError) in try p.packed(weights, as: form, make: make) },
      sums: { (form, make) throws(EngineError) in try p.packed(weights, as: form, make: make) })
    let residual = p.has(4)
    return Prepared(
      scratchBytes: plan.scratchBytes, inPlace: residual ? 1 << 4 : 0, label: plan.label
    ) { m in
      plan.run(
        x: m.input(0), residual: residual ? m.input(4) : nil, y: m.output(0), scratch: m.scratch,
        pool: m.pool)
    }
  }

  private typealias Packer<Form> = (
    String, (PackedSpace) throws(EngineError) -> Form
  ) throws(EngineError) -> Form

  private func plan(
    _ image: Shape, _ weights: Tensor, _ scales: Tensor, _ bias: Tensor?, threads: Int,
    filter: Packer<ByteFilter>, sums: Packer<Storage>
  ) throws(EngineError) -> ByteConvPlan {
    let w = weights.shape
    let (m, part) = (w[0], w[1])
    let settled = try conv.window.concrete(
      inputSpatial: [image[1], image[2]], kernel: [w[2], w[3]])
    let g = ConvGeometry(
      batch: image[0], groups: conv.group, channels: part, outputs: m / conv.group,
      input: settled.input, output: settled.output, kernel: settled.kernel,
      strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
    let panels = BytePanels(g)
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
      panels, filter: packed,
      sums: UnsafeRawPointer(total.bytes).assumingMemoryBound(to: Int32.self), scales: factors,
      bias: whole, offsets: offsets, xZero: x.zero, finish: finish, threads: threads)
  }

  /// With weights that are not known before the run.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var t: [Tensor?] = []
    for input in e.inputs { t.append(try input?.asTensor()) }
    let facts = t.map { $0.map { Fact($0.dtype, $0.shape.array.map { Dim($0) }) } }
    guard let x = t[0], let w = t[1], let s = t[2],
      let dims = try infer(Inference(inputs: facts)).first?.dims
    else { throw EngineError(.arity, "an input is missing") }
    let y = Tensor(try Storage(TensorType(.uint8, Shape(dims.map { $0.known ?? 0 }))))
    if x.count == 0 || w.count == 0 { return [.tensor(y)] }
    let plan = try plan(
      x.shape, w, s, t.count > 3 ? t[3] : nil, threads: e.pool.threads,
      filter: { (_, make) throws(EngineError) in try make(.fresh) },
      sums: { (_, make) throws(EngineError) in try make(.fresh) })
    let residual = t.count > 4 ? t[4] : nil
    let scratch = Tensor(try Storage(TensorType(.uint8, [plan.scratchBytes])))
    func bytes(_ t: Tensor) -> UnsafeMutablePointer<UInt8> {
      t.storage.bytes.assumingMemoryBound(to: UInt8.self)
    }
    withExtendedLifetime((x, residual, y, scratch)) {
      plan.run(
        x: bytes(x), residual: residual.map { UnsafePointer(bytes($0)) }, y: bytes(y),
        scratch: scratch.storage.bytes, pool: e.pool)
    }
    return [.tensor(y)]
  }
}
