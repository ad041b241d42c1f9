import Graphs
import Kernels
import Tensors

/// Convolution of an image in the blocked layout, plus another, through a function:
/// `Y = activation(Conv(X S, W, B) + Z)`.
///
/// - `X`: float32 `[N, ceil(C / block), H, W, block]`, or `[N, C, H, W]` with `plainInput`. `W`:
///   `[M, C / group, kh, kw]` as Conv has it; `B` (optional): `[M]`; `Z` (optional): the result's
///   shape; `S` (optional): a factor for each channel of each blocked X, `[N, C / block, 1, 1,
///   block]`.
/// - Attributes: those of Conv over two spatial axes; `activation` and `activation_params`: see
///   `FusedActivation`; `block`: 8 or 16, default 16; `plain_input`: 1 for an X without blocks,
///   default 0.
/// - Output: `[N, ceil(M / block), OH, OW, block]`; lanes beyond the last channel are 0.
/// - Errors: as Conv; `.shape` where an image does not lie in such blocks or Z has another shape.
/// - Accuracy: sums in float32 over blocks of channels, taps, then lanes; windows of three taps or
///   more by Winograd's algorithm where that pays (`WinogradForm`), with errors up to 1.3e-5 of the
///   largest output unless the option `exact` keeps to F(2x2) and to its like for stride 2. The same for any number of threads.
/// - Cost: constant weights are packed once. Weights or biases that are not constant, and groups
///   that do not fit into blocks, take two changes of layout.
/// - Source: domain ai.dlrun 1; FusedConv between changes of layout.
public struct BlockedConv: Operator {
  public let conv: Conv
  public let activation: FusedActivation
  public let block: Int
  public let plainInput: Bool

  public static let schema = Schema(
    "BlockedConv", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", BlockedLayout.types), Parameter("W", BlockedLayout.types),
      .optional("B", BlockedLayout.types), .optional("Z", BlockedLayout.types),
      .optional("S", BlockedLayout.types),
    ],
    outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: FusedConv.schema.attributes + [
      BlockedLayout.spec,
      AttributeSpec("plain_input", .int, "1: X is [N, C, H, W]; default 0"),
    ],
    cases: {
      let x = try BlockedLayout.example()
      let z = try BlockedLayout.example(channels: 9)
      let blocked = try Eager().apply(ToBlocked(block: 8), x)
      let w = try Tensor(shape: [9, 7, 3, 3], (0..<567).map { Float(($0 * 5) % 17) / 32 - 0.25 })
      let deep = try Tensor(shape: [7, 1, 3, 3], (0..<63).map { Float(($0 * 5) % 13) / 8 - 0.5 })
      let bias = try Tensor((0..<9).map { Float($0) / 4 - 1 })
      let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
      return [
        .init(
          BlockedConv(
            Conv(window: same), try FusedActivation("Relu"), block: 8),
          [blocked, w, bias, try Eager().apply(ToBlocked(block: 8), z)]),
        .init(
          BlockedConv(Conv(window: Window(strides: [2, 1])), block: 16, plainInput: true), [x, w]),
        .init(
          BlockedConv(Conv(), block: 8),
          [blocked, try pointwise(), nil, nil, try gate()]),
        .init(
          BlockedConv(Conv(window: same, group: 7), try FusedActivation("Sigmoid"), block: 8),
          [blocked, deep]),
      ]
    })

  private static func pointwise() throws(EngineError) -> Tensor {
    try Tensor(shape: [5, 7, 1, 1], (0..<35).map { Float(($0 * 3) % 11) / 8 - 0.5 })
  }
  /// A factor for each channel of the example's two images.
  private static func gate() throws(EngineError) -> Tensor {
    try Tensor(shape: [2, 1, 1, 1, 8], (0..<16).map { $0 % 8 < 7 ? Float($0 + 3) / 8 : 0 })
  }

  public init(
    _ conv: Conv, _ activation: FusedActivation = .init(), block: Int, plainInput: Bool = false
  ) {
    self.conv = conv
    self.activation = activation
    self.block = block
    self.plainInput = plainInput
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try Conv(reading: a)
    activation = try FusedActivation(listIn: a)
    block = try BlockedLayout(reading: a).block
    plainInput = try a.bool("plain_input", default: false)
  }
  public var attributes: [Attribute] {
    conv.attributes + activation.listAttributes
      + [layout.attribute] + (plainInput ? [.bool("plain_input", true)] : [])
  }
  var layout: BlockedLayout { .init(block: block) }
  /// The same on plain images.
  var plain: FusedConv { FusedConv(conv, activation) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1)
    if let w = c.dims(1), w.count != 4 {
      throw EngineError(
        .shape, "input W is no kernel over two axes", expected: "[M, C / group, kh, kw]",
        received: "\(w)")
    }
    let (m, part) = (c.dims(1)?[0] ?? c.unknown(), c.dims(1)?[1] ?? c.unknown())
    var x = c.dims(0)
    if let dims = x, !plainInput {
      x = try layout.plain(dims, channels: part * Dim(conv.group), "X")
    } else if let dims = x, dims.count != 4 {
      throw EngineError(
        .shape, "input X is no plain image", expected: "[N, C, H, W]", received: "\(dims)")
    }
    var inputs: [Fact?] = [c.fact(0).map { Fact($0.dtype, x) }, c.fact(1), c.fact(2)]
    if let z = c.fact(3) {
      var dims = z.dims
      if let given = dims { dims = try layout.plain(given, channels: m, "Z") }
      inputs.append(Fact(z.dtype, dims))
    }
    try checkFactors(c)
    guard let y = try plain.infer(Inference(inputs: inputs)).first?.dims, y.count == 4 else {
      return [Fact(dtype, [c.unknown(), c.unknown(), c.unknown(), c.unknown(), Dim(block)])]
    }
    return [Fact(dtype, layout.blocked(y))]
  }

  private func checkFactors(_ c: Inference) throws(EngineError) {
    guard c.fact(4) != nil else { return }
    if plainInput {
      throw EngineError(.shape, "input S is for blocked images only", received: "plain_input")
    }
    guard let s = c.dims(4), let x = c.dims(0), x.count == 5 else { return }
    let fits =
      s.count == 5
      && zip(s, [x[0], x[1], Dim(1), Dim(1), x[4]]).allSatisfy {
        $0.known == nil || $1.known == nil || $0.known == $1.known
      }
    if !fits {
      throw EngineError(
        .shape, "input S has no factor for each channel",
        expected: "[\(x[0]), \(x[1]), 1, 1, \(x[4])]", received: "\(s)")
    }
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let w = inputs[1], let y = outputs[0], y.count == 5 else { return nil }
    return y[0] * y[2] * y[3] * w.product
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, w, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard x.dtype == .float32, w.dtype == .float32 else { throw p.noKernel() }
    if let prepared = try kernel(p) { return prepared }
    if p.has(4) { return try BlockedDetour.scaling(self, p) }
    let m = w.shape[0]
    var channels = plainInput ? [:] : [0: w.shape[1] * conv.group]
    if p.has(3) { channels[3] = m }
    let result = TensorType(.float32, Shape([y.shape[0], m, y.shape[2], y.shape[3]]))
    return try BlockedDetour(
      layout: layout, channels: channels, result: result, blocksResult: true
    ).prepare(plain, p)
  }
}
