import Graphs
import Kernels
import Tensors

/// Convolution over three axes of volumes in the blocked layout, plus another, through a function:
/// `Y = activation(Conv(X, W, B) + Z)`.
///
/// - `X`: float32 `[N D, ceil(C / block), H, W, block]`, or `[N, C, D, H, W]` with `plain_input`. `W`:
///   `[M, C / group, kd, kh, kw]` as Conv has it; `B` (optional): `[M]`; `Z` (optional): the result's
///   shape.
/// - Attributes: those of Conv over three spatial axes; `activation` and `activation_params`: see
///   `FusedActivation`; `block`: 8 or 16, default 16; `depth`: D, default 1; `plain_input`: 1 for an X
///   without blocks, default 0.
/// - Output: `[N OD, ceil(M / block), OH, OW, block]`; lanes beyond the last channel are 0.
/// - Errors: as Conv; `.shape` where volumes do not lie in such blocks or Z has another shape.
/// - Accuracy: sums in float32 over planes, blocks of channels, taps, then lanes; see `BlockedConv`.
/// - Cost: constant weights are packed once. Weights or biases that are not constant, groups beside
///   those of `BlockedWindow` and dilated depths take changes of layout.
/// - Source: domain ai.dlrun 1; FusedConv between changes of layout.
public struct BlockedVolumeConv: Operator {
  public let conv: Conv
  public let activation: FusedActivation
  public let block: Int
  public let depth: Int
  public let plainInput: Bool

  public static let schema = Schema(
    "BlockedVolumeConv", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", BlockedLayout.types), Parameter("W", BlockedLayout.types),
      .optional("B", BlockedLayout.types), .optional("Z", BlockedLayout.types),
    ],
    outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: FusedConv.schema.attributes + [
      BlockedLayout.spec, BlockedLayout.depthSpec,
      AttributeSpec("plain_input", .int, "1: X is [N, C, D, H, W]; default 0"),
    ],
    cases: {
      let x = try BlockedLayout.exampleVolume()
      let z = try Eager().apply(ToBlocked(block: 8), BlockedLayout.exampleVolume(channels: 9))
      let blocked = try Eager().apply(ToBlocked(block: 8), x)
      let w = try Tensor(
        shape: [9, 7, 3, 3, 3], (0..<1701).map { Float(($0 * 5) % 17) / 32 - 0.25 })
      let each = try Tensor(shape: [7, 1, 3, 3, 3], (0..<189).map { Float($0 * 5 % 13) / 8 - 0.5 })
      let bias = try Tensor((0..<9).map { Float($0) / 4 - 1 })
      let same = Window(padsBegin: [1, 1, 1], padsEnd: [1, 1, 1])
      let strided = Window(strides: [2, 2, 1], padsBegin: [1, 0, 1], padsEnd: [1, 0, 1])
      return [
        .init(
          BlockedVolumeConv(Conv(window: same), try FusedActivation("Relu"), block: 8, depth: 3),
          [blocked, w, bias, z]),
        .init(
          BlockedVolumeConv(Conv(window: strided), block: 16, depth: 3, plainInput: true), [x, w]),
        .init(
          BlockedVolumeConv(
            Conv(window: strided, group: 7), try FusedActivation("Sigmoid"), block: 8, depth: 3),
          [blocked, each]),
      ]
    })

  public init(
    _ conv: Conv, _ activation: FusedActivation = .init(), block: Int, depth: Int,
    plainInput: Bool = false
  ) {
    self.conv = conv
    self.activation = activation
    self.block = block
    self.depth = depth
    self.plainInput = plainInput
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try Conv(reading: a)
    activation = try FusedActivation(listIn: a)
    block = try BlockedLayout(reading: a).block
    depth = try BlockedLayout.depth(a, least: 1)
    plainInput = try a.bool("plain_input", default: false)
  }
  public var attributes: [Attribute] {
    conv.attributes + activation.listAttributes + [layout.attribute, .int("depth", depth)]
      + (plainInput ? [.bool("plain_input", true)] : [])
  }
  private var layout: BlockedLayout { .init(block: block) }
  /// The same on plain volumes.
  private var plain: FusedConv { FusedConv(conv, activation) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    if let w = c.dims(1), w.count != 5 {
      throw EngineError(
        .shape, "input W is no kernel over three axes", expected: "[M, C / group, kd, kh, kw]",
        received: "\(w)")
    }
    let (m, part) = (c.dims(1)?[0] ?? c.unknown(), c.dims(1)?[1] ?? c.unknown())
    var x = c.dims(0)
    if let dims = x, !plainInput {
      x = try layout.plain(dims, channels: part * Dim(conv.group), depth: depth, "X")
    } else if let dims = x, dims.count != 5 || dims[2].known.map({ $0 != depth }) ?? false {
      throw EngineError(
        .shape, "input X is no plain volume", expected: "[N, C, \(depth), H, W]",
        received: "\(dims)")
    }
    let inputs: [Fact?] = [c.fact(0).map { Fact($0.dtype, x) }, c.fact(1), c.fact(2)]
    guard let y = try plain.infer(Inference(inputs: inputs)).first?.dims, y.count == 5 else {
      return [Fact(dtype, [c.unknown(), c.unknown(), c.unknown(), c.unknown(), Dim(block)])]
    }
    let result = layout.blocked(y)
    if let z = c.dims(3) {
      let fits =
        z.count == 5
        && zip(z, result).allSatisfy { $0.known == nil || $1.known == nil || $0.known == $1.known }
      if !fits {
        throw EngineError(
          .shape, "input Z has another shape than the result", expected: "\(result)",
          received: "\(z)")
      }
      _ = try layout.plain(z, channels: m, "Z")
    }
    return [Fact(dtype, result)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[1], let y = outputs[0], y.count == 5 else { return nil }
    return y[0] * y[2] * y[3] * w.product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard x.dtype == .float32, w.dtype == .float32 else { throw p.noKernel() }
    let channels = w.shape[1] * conv.group
    let volume =
      plainInput
      ? x.shape
      : Shape([x.shape[0] / depth, channels, depth, x.shape[2], x.shape[3]])
    let settled = try conv.window.concrete(
      inputSpatial: (2..<5).map { volume[$0] }, kernel: (2..<5).map { w.shape[$0] })
    let geometry = ConvGeometry(
      batch: volume[0], groups: conv.group, channels: w.shape[1],
      outputs: w.shape[0] / conv.group, input: settled.input, output: settled.output,
      kernel: settled.kernel, strides: settled.strides, dilations: settled.dilations,
      pads: settled.padsBegin, keepsAxes: true)
    if let prepared = try kernel(p, geometry) { return prepared }
    let out = geometry.output[0]
    let result = TensorType(
      .float32,
      Shape([out > 0 ? y.shape[0] / out : 0, w.shape[0], out, y.shape[2], y.shape[3]]))
    var (images, depths) = plainInput ? ([:], [:]) : ([0: channels], [0: depth])
    if p.has(3) { (images[3], depths[3]) = (w.shape[0], out) }
    return try BlockedDetour(
      layout: layout, channels: images, depths: depths, result: result, blocksResult: true
    ).prepare(plain, p)
  }

  /// A kernel that works in the blocked layout; nil where there is none.
  private func kernel(_ p: Preparation, _ g: ConvGeometry) throws(EngineError) -> Prepared? {
    guard let finish = activation.blockedFinish, let weights = p.constant(1),
      weights.dtype == .float32, !p.has(2) || p.constant(2)?.dtype == .float32, g.outputCount > 0,
      g.inputCount > 0, g.weightCount > 0, g.dilations[0] == 1
    else { return nil }
    let bias = p.has(2) ? p.constant(2) : nil
    defer { withExtendedLifetime((weights, bias)) {} }
    func floats(_ t: Tensor) -> UnsafePointer<Float> {
      UnsafeRawPointer(t.storage.bytes).assumingMemoryBound(to: Float.self)
    }
    let pack = p.blockedPacker(weights, bias: bias)
    let residual = p.has(3)
    if !plainInput, BlockedWindow.takes(g, lanes: block) {
      let kernel = try BlockedWindow(
        depthwise: g, lanes: block, finish: finish, weights: floats(weights),
        bias: bias.map(floats), threads: p.options.threads, pack: pack)
      return BlockedConv.prepared(kernel, residual, label: kernel.label + " " + activation.name)
    }
    guard BlockedVolumePlan.sums(g) else { return nil }
    let plan = try BlockedVolumePlan(
      g, finish: finish, weights: floats(weights), bias: bias.map(floats),
      isBlocked: (!plainInput, true), exact: p.options.exact, compact: p.options.compact,
      threads: p.options.threads, lanes: block, pack: pack)
    return Prepared(
      scratchBytes: plan.scratchBytes, inPlace: residual ? 1 << 3 : 0,
      label: plan.label + " " + activation.name
    ) { m in
      plan.run(
        x: m.input(0), residual: residual ? m.input(3) : nil, y: m.output(0), scratch: m.scratch,
        pool: m.pool)
    }
  }
}
