import Graphs
import Kernels
import Tensors

/// A 1x1 convolution of an image in the blocked layout with a function, then a convolution of each
/// channel of that: `Y = activation(Conv(inner(Conv(X, W) + B), V) + C)`.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`. `W`: `[M, C, 1, 1]`; `V`: `[M, 1, kh, kw]`;
///   `B`, `C` (optional): `[M]`.
/// - Attributes: those of Conv and `activation` for the second convolution; `inner_activation` with
///   `inner_activation_params` for the first; `block`: 8 or 16, default 16.
/// - Output: `[N, ceil(M / block), OH, OW, block]`; lanes beyond the last channel are 0.
/// - Errors: as BlockedConv.
/// - Accuracy: the bits of the two convolutions one after the other.
/// - Cost: with constant weights by bands of rows that stay in the second-level cache.
/// - Source: domain ai.dlrun 1; two BlockedConv.
public struct BlockedExpand: KernelComposite {
  public let depth: Conv
  public let activation: FusedActivation
  public let inner: FusedActivation
  public let block: Int

  public static let schema = Schema(
    "BlockedExpand", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", BlockedLayout.types), Parameter("W", BlockedLayout.types),
      Parameter("V", BlockedLayout.types), .optional("B", BlockedLayout.types),
      .optional("C", BlockedLayout.types),
    ],
    outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: FusedConv.schema.attributes + [
      BlockedLayout.spec,
      AttributeSpec("inner_activation", .string, "function of the first results; default none"),
      AttributeSpec("inner_activation_params", .floats, "its numbers"),
    ],
    cases: {
      let x = try Eager().apply(ToBlocked(block: 8), BlockedLayout.example())
      let w = try Tensor(shape: [9, 7, 1, 1], (0..<63).map { Float(($0 * 5) % 17) / 16 - 0.5 })
      let v = try Tensor(shape: [9, 1, 3, 3], (0..<81).map { Float(($0 * 5) % 13) / 8 - 0.5 })
      let b = try Tensor((0..<9).map { Float($0) / 4 - 1 })
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      let half = Window(strides: [2, 2], padsBegin: [0, 1], padsEnd: [1, 1])
      return [
        .init(BlockedExpand(Conv(window: same, group: 9), block: 8), [x, w, v]),
        .init(
          BlockedExpand(
            Conv(window: half, group: 9), try FusedActivation("Relu"),
            inner: try FusedActivation("Swish"), block: 8), [x, w, v, b, b]),
      ]
    })

  public init(
    _ depth: Conv, _ activation: FusedActivation = .init(), inner: FusedActivation = .init(),
    block: Int
  ) {
    self.depth = depth
    self.activation = activation
    self.inner = inner
    self.block = block
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    depth = try Conv(reading: a)
    activation = try FusedActivation(listIn: a)
    inner = try FusedActivation(
      a.string("inner_activation", default: ""), a.floats("inner_activation_params", default: []))
    block = try BlockedLayout(reading: a).block
  }
  public var attributes: [Attribute] {
    var list = second.attributes
    if !inner.name.isEmpty {
      list.append(.string("inner_activation", inner.name))
      if !inner.parameters.isEmpty {
        list.append(.floats("inner_activation_params", inner.parameters))
      }
    }
    return list
  }
  private var first: BlockedConv { BlockedConv(Conv(), inner, block: block) }
  private var second: BlockedConv { BlockedConv(depth, activation, block: block) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let middle = try first.infer(Inference(inputs: [c.fact(0), c.fact(1), c.fact(3)]))
    return try second.infer(Inference(inputs: [middle.first, c.fact(2), c.fact(4)]))
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let x = inputs[0], x.count == 5, let w = inputs[1], let v = inputs[2],
      let y = outputs[0], y.count == 5
    else { return nil }
    return x[0] * x[2] * x[3] * w.product + y[0] * y[2] * y[3] * v.product
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func input(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    let middle = try b.apply(first, inputs: [input(0), input(1), input(3)])
    return Few(try b.apply(second, inputs: [middle, input(2), input(4)]))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, v, y) = (try p.input(0), try p.input(1), try p.input(2), try p.output(0))
    guard x.dtype == .float32 else { throw p.noKernel() }
    guard let finish = inner.blockedFinish, let last = activation.blockedFinish,
      let weights = p.constant(1), let depths = p.constant(2), !p.has(3) || p.constant(3) != nil,
      !p.has(4) || p.constant(4) != nil, w.shape.rank == 4, w.shape[2] == 1, w.shape[3] == 1,
      v.shape[1] == 1, v.shape[0] == depth.group, w.shape[0] == depth.group, x.count > 0,
      y.count > 0
    else { return try oneByOne(p, x, w, y) }
    let settled = try depth.window.concrete(
      inputSpatial: [x.shape[2], x.shape[3]], kernel: [v.shape[2], v.shape[3]])
    let (bias, depthBias) = (p.has(3) ? p.constant(3) : nil, p.has(4) ? p.constant(4) : nil)
    defer { withExtendedLifetime((weights, depths, bias, depthBias)) {} }
    func floats(_ t: Tensor) -> UnsafePointer<Float> {
      UnsafeRawPointer(t.storage.bytes).assumingMemoryBound(to: Float.self)
    }
    let axes = BlockedWindow.Axes(
      input: settled.input, output: settled.output, kernel: settled.kernel,
      strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
    let plan = try BlockedExpandPlan(
      axes, batch: x.shape[0], channels: w.shape[1], middle: w.shape[0], lanes: block,
      finish: finish, depthFinish: last, weights: floats(weights), bias: bias.map(floats),
      depthWeights: floats(depths), depthBias: depthBias.map(floats), threads: p.options.threads,
      pack: p.blockedPacker(weights, bias: bias),
      depthPack: p.blockedPacker(depths, bias: depthBias))
    return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in
      plan.run(x: m.input(0), y: m.output(0), scratch: m.scratch, pool: m.pool)
    }
  }

  /// The two convolutions with the tensor between in scratch.
  private func oneByOne(
    _ p: Preparation, _ x: TensorType, _ w: TensorType, _ y: TensorType
  ) throws(EngineError) -> Prepared {
    let middle = TensorType(
      .float32, Shape([x.shape[0], layoutBlocks(w.shape[0]), x.shape[2], x.shape[3], block]))
    func constant(_ i: Int) -> Tensor? { p.constant(i) }
    let before = try first.prepare(
      Preparation(
        inputs: [x, w, p.has(3) ? p.inputs[3] : nil], outputs: [middle],
        constants: [nil, constant(1), p.has(3) ? constant(3) : nil], options: p.options))
    let after = try second.prepare(
      Preparation(
        inputs: [middle, p.inputs[2], p.has(4) ? p.inputs[4] : nil], outputs: [y],
        constants: [nil, constant(2), p.has(4) ? constant(4) : nil], options: p.options))
    guard before.kind == .kernel, after.kind == .kernel else {
      throw EngineError(.internalDefect, "a convolution has no kernel")
    }
    // Addresses come first, then the tensor between.
    let table = 64
    let own = table + (middle.byteCount + 63) / 64 * 64
    let (hasB, hasC) = (p.has(3), p.has(4))
    return Prepared(
      scratchBytes: own + max(before.scratchBytes, after.scratchBytes), label: before.label
    ) { (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      (addresses[0], addresses[1]) = (m.inputs[0], m.inputs[1])
      addresses[2] = m.inputs[hasB ? 3 : 1]
      addresses[3] = m.scratch + table
      try before.run(
        Memory(
          inputs: addresses, outputs: addresses + 3, scratch: m.scratch + own, pool: m.pool))
      (addresses[0], addresses[1]) = (addresses[3], m.inputs[2])
      addresses[2] = m.inputs[hasC ? 4 : 2]
      try after.run(
        Memory(inputs: addresses, outputs: m.outputs, scratch: m.scratch + own, pool: m.pool))
    }
  }
  private func layoutBlocks(_ channels: Int) -> Int { BlockedLayout(block: block).blocks(channels) }
}
