import Graphs
import Kernels
import Tensors

extension FusedActivation {
  /// Whether it makes 0 of 0, so that empty lanes of blocks stay empty.
  public var keepsZero: Bool { blockedFinish?.keepsZero ?? false }

  /// The function as blocked kernels apply it; nil for those they do not have.
  var blockedFinish: BlockedFinish? {
    let p = parameters.first ?? 0
    let q = parameters.count > 1 ? parameters[1] : 0
    switch name {
    case "": return BlockedFinish.none
    case "Relu": return .relu
    case "Clip": return p <= q ? .clamp(p, q) : nil
    case "HardSwish": return .hardSwish
    default:
      guard let unary else { return nil }
      let movesZero = unary == .sigmoid || unary == .softplus || (unary == .hardSigmoid && q != 0)
      return .unary(unary, p, q, keepsZero: !movesZero)
    }
  }
}

extension Preparation {
  /// Keeps what blocked kernels make of a convolution's constants.
  func blockedPacker(_ weights: Tensor, bias: Tensor?) -> BlockedPacker {
    BlockedPacker(
      filter: { (form, make) throws(EngineError) in try packed(weights, as: form, make: make) },
      taps: { (form, make) throws(EngineError) in try packed(weights, as: form, make: make) },
      bias: { (form, make) throws(EngineError) in
        guard let bias else { return try make(.fresh) }
        return try packed(bias, as: form, make: make)
      })
  }
}

extension BlockedConv {
  /// A kernel that works in the blocked layout; nil where there is none: weights or bias that are
  /// not constant, groups that do not fit into blocks, functions beside those of `blockedFinish`.
  func kernel(_ p: Preparation) throws(EngineError) -> Prepared? {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard let finish = activation.blockedFinish, let weights = p.constant(1), weights.type == w,
      !p.has(2) || p.constant(2) != nil, y.count > 0, x.count > 0, w.count > 0
    else { return nil }
    let bias = p.has(2) ? p.constant(2) : nil
    let (m, part) = (w.shape[0], w.shape[1])
    let settled = try conv.window.concrete(
      inputSpatial: [x.shape[2], x.shape[3]], kernel: [w.shape[2], w.shape[3]])
    defer { withExtendedLifetime((weights, bias)) {} }
    let from = UnsafeRawPointer(weights.storage.bytes).assumingMemoryBound(to: Float.self)
    let biases = bias.map {
      UnsafeRawPointer($0.storage.bytes).assumingMemoryBound(to: Float.self)
    }
    let (residual, isScaled) = (p.has(3), p.has(4))
    let pack = p.blockedPacker(weights, bias: bias)
    let resizing = BlockedResizing(self, p, x, y, weights: w)
    let threads = p.options.threads
    if part == 1 && m == conv.group && !plainInput {
      if isScaled { return nil }
      let axes = BlockedWindow.Axes(
        input: settled.input, output: settled.output, kernel: settled.kernel,
        strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
      let kernel = try BlockedWindow(
        depthwise: axes, batch: x.shape[0], channels: m, lanes: block, finish: finish,
        weights: from, bias: biases, threads: threads, pack: pack)
      return Self.prepared(
        kernel, residual, label: kernel.label + " " + activation.name,
        resize: resizing.resize(kernel))
    }
    let geometry = ConvGeometry(
      batch: x.shape[0], groups: conv.group, channels: part, outputs: m / conv.group,
      input: settled.input, output: settled.output, kernel: settled.kernel,
      strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
    if !plainInput, !isScaled, BlockedWindow.takes(geometry, lanes: block) {
      let kernel = try BlockedWindow(
        depthwise: geometry, lanes: block, finish: finish, weights: from, bias: biases,
        threads: threads, pack: pack)
      return Self.prepared(
        kernel, residual, label: kernel.label + " " + activation.name,
        resize: resizing.resize(kernel))
    }
    // Transformed weights are up to 49 numbers for each 9.
    let isWhole = !plainInput && !isScaled
    let form =
      isWhole && !p.options.compact && !geometry.hasIdleTaps
      ? BlockedWinogradPlan.form(
        geometry, lanes: block, finish: finish, exact: p.options.exact) : nil
    if isWhole, BlockedTapsPlan.pays(geometry, lanes: block, finish: finish, form: form) {
      let plan = try BlockedTapsPlan(
        geometry, lanes: block, finish: finish, weights: from, bias: biases, threads: threads,
        pack: pack)
      return Prepared(
        inPlace: Self.inPlace(residual), label: plan.label + " " + activation.name
      ) { m in
        plan.run(
          x: m.input(0), residual: residual ? m.input(3) : nil, y: m.output(0), pool: m.pool)
      }
    }
    if let form {
      let plan = try BlockedWinogradPlan(
        geometry, form: form, lanes: block, finish: finish, weights: from, bias: biases,
        threads: threads, pack: pack)
      return Self.prepared(
        plan, residual, label: plan.label + " " + activation.name,
        resize: resizing.resize(plan, form))
    }
    guard BlockedConvPlan.takes(geometry, isPlain: plainInput) else { return nil }
    let plan = try BlockedConvPlan(
      geometry, lanes: block, isPlain: plainInput, finish: finish, weights: from, bias: biases,
      isScaled: isScaled, threads: threads, pack: pack)
    return Self.prepared(
      plan, residual, isScaled, label: plan.label + " " + activation.name,
      resize: geometry.hasIdleTaps ? nil : resizing.resize(plan, isScaled))
  }

  /// Each output is read from the residual just before it is written, and no two tiles overlap.
  private static func inPlace(_ residual: Bool) -> UInt64 { residual ? 1 << 3 : 0 }

  static func prepared(
    _ kernel: BlockedWindow, _ residual: Bool, label: String, resize: Prepared.Resize? = nil
  ) -> Prepared {
    Prepared(inPlace: inPlace(residual), label: label, resize: resize) { m in
      kernel.run(
        x: m.input(0), residual: residual ? m.input(3) : nil, y: m.output(0), pool: m.pool)
    }
  }

  static func prepared(
    _ plan: BlockedWinogradPlan, _ residual: Bool, label: String, resize: Prepared.Resize? = nil
  ) -> Prepared {
    Prepared(
      scratchBytes: plan.scratchBytes, inPlace: inPlace(residual), label: label, resize: resize
    ) { m in
      plan.run(
        x: m.input(0), residual: residual ? m.input(3) : nil, y: m.output(0), scratch: m.scratch,
        pool: m.pool)
    }
  }

  static func prepared(
    _ plan: BlockedConvPlan, _ residual: Bool, _ isScaled: Bool, label: String,
    resize: Prepared.Resize? = nil
  ) -> Prepared {
    Prepared(
      scratchBytes: plan.scratchBytes, inPlace: inPlace(residual), label: label, resize: resize
    ) { m in
      plan.run(
        x: m.input(0), residual: residual ? m.input(3) : nil,
        factors: isScaled ? m.input(4) : nil, y: m.output(0), scratch: m.scratch, pool: m.pool)
    }
  }
}
