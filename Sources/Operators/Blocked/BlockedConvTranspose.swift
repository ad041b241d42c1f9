import Graphs
import Kernels
import Tensors

/// Transposed convolution of an image in the blocked layout.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`. `W`: `[C, M / group, kh, kw]` as
///   ConvTranspose has it; `B` (optional): `[M]`.
/// - Attributes: those of ConvTranspose over two spatial axes; `block`: 8 or 16, default 16.
/// - Output: `[N, ceil(M / block), OH, OW, block]`; lanes beyond the last channel are 0.
/// - Errors: as ConvTranspose; `.shape` where an image does not lie in such blocks.
/// - Accuracy: sums in float32 over blocks of channels, taps, then lanes; the same for any number
///   of threads.
/// - Cost: constant weights are packed once. Weights or biases that are not constant, groups,
///   dilations and kernels smaller than the stride take two changes of layout.
/// - Source: domain ai.dlrun 1; ONNX ConvTranspose between changes of layout.
public struct BlockedConvTranspose: Operator {
  public let conv: ConvTranspose
  public let block: Int

  public static let schema = Schema(
    "BlockedConvTranspose", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", BlockedLayout.types), Parameter("W", BlockedLayout.types),
      .optional("B", BlockedLayout.types),
    ],
    outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: ConvTranspose.schema.attributes + [BlockedLayout.spec],
    cases: {
      let x = try Eager().apply(ToBlocked(block: 8), BlockedLayout.example())
      let w = try Tensor(shape: [7, 5, 2, 2], (0..<140).map { Float(($0 * 5) % 17) / 32 - 0.25 })
      let large = try Tensor(
        shape: [7, 9, 4, 3], (0..<756).map { Float(($0 * 3) % 13) / 32 - 0.25 })
      let bias = try Tensor((0..<9).map { Float($0) / 4 - 1 })
      return [
        .init(
          BlockedConvTranspose(ConvTranspose(window: Window(strides: [2, 2])), block: 8), [x, w]),
        .init(
          BlockedConvTranspose(
            ConvTranspose(
              window: Window(strides: [2, 1], padsBegin: [1, 1], padsEnd: [1, 0])), block: 8),
          [x, large, bias]),
      ]
    })

  public init(_ conv: ConvTranspose, block: Int) {
    self.conv = conv
    self.block = block
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try ConvTranspose(reading: a)
    block = try BlockedLayout(reading: a).block
  }
  public var attributes: [Attribute] { conv.attributes + [layout.attribute] }
  var layout: BlockedLayout { .init(block: block) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    if let w = c.dims(1), w.count != 4 {
      throw EngineError(
        .shape, "input W is no kernel over two axes", expected: "[C, M / group, kh, kw]",
        received: "\(w)")
    }
    var x = c.dims(0)
    if let dims = x { x = try layout.plain(dims, channels: c.dims(1)?[0] ?? c.unknown(), "X") }
    let inputs: [Fact?] = [c.fact(0).map { Fact($0.dtype, x) }, c.fact(1), c.fact(2)]
    guard let y = try conv.infer(Inference(inputs: inputs)).first?.dims, y.count == 4 else {
      return [Fact(dtype, [c.unknown(), c.unknown(), c.unknown(), c.unknown(), Dim(block)])]
    }
    return [Fact(dtype, layout.blocked(y))]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let x = inputs[0], let w = inputs[1], x.count == 5 else { return nil }
    return x[0] * x[2] * x[3] * w.product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard x.dtype == .float32, w.dtype == .float32 else { throw p.noKernel() }
    if let prepared = try kernel(p, x, w, y) { return prepared }
    let result = TensorType(
      .float32, Shape([y.shape[0], w.shape[1] * conv.group, y.shape[2], y.shape[3]]))
    return try BlockedDetour(
      layout: layout, channels: [0: w.shape[0]], result: result, blocksResult: true
    ).prepare(conv, p)
  }

  private func kernel(
    _ p: Preparation, _ x: TensorType, _ w: TensorType, _ y: TensorType
  ) throws(EngineError) -> Prepared? {
    guard conv.group == 1, let weights = p.constant(1), weights.type == w,
      !p.has(2) || p.constant(2) != nil, y.count > 0, x.count > 0, w.count > 0
    else { return nil }
    let bias = p.has(2) ? p.constant(2) : nil
    let (input, output) = ([x.shape[2], x.shape[3]], [y.shape[2], y.shape[3]])
    let kernel = [w.shape[2], w.shape[3]]
    let axes = BlockedWindow.Axes(
      input: input, output: output, kernel: kernel,
      strides: [conv.window.stride(0), conv.window.stride(1)],
      dilations: [conv.window.dilation(0), conv.window.dilation(1)],
      pads: conv.pads(input, kernel, output))
    guard BlockedTransposedPlan.takes(axes) else { return nil }
    defer { withExtendedLifetime((weights, bias)) {} }
    let plan = try BlockedTransposedPlan(
      axes, batch: x.shape[0], channels: w.shape[0], outputs: w.shape[1], lanes: block,
      weights: UnsafeRawPointer(weights.storage.bytes).assumingMemoryBound(to: Float.self),
      bias: bias.map { UnsafeRawPointer($0.storage.bytes).assumingMemoryBound(to: Float.self) },
      threads: p.options.threads,
      pack: p.blockedPacker(weights, bias: bias))
    return Prepared(scratchBytes: plan.scratchBytes, label: plan.label) { m in
      plan.run(x: m.input(0), y: m.output(0), scratch: m.scratch, pool: m.pool)
    }
  }
}
