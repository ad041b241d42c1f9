import Graphs
import Kernels
import Tensors

/// An image as bytes whose channels lie side by side, with a scale and zero point of their own, as
/// DynamicQuantizeLinear chooses them: `Y[n, h, w, c] = clamp(round(X[n, c, h, w] / Y_scale) +
/// Y_zero)`.
///
/// - `X`: float32 `[N, C, H, W]`, or in blocks of channels, `[N, ceil(C / block), H, W, block]`, block
///   8 or 16, with 0 in lanes beyond the last channel.
/// - `channels`: C.
/// - Output: `Y`, uint8 `[N, H, W, C in fours]`, whose bytes behind the last channel are Y_zero;
///   `Y_scale`, float32 scalar; `Y_zero`, uint8 scalar.
/// - Errors: `.shape` for another rank or block, or another number of blocks than C has.
/// - Edges: as DynamicQuantizeLinear.
/// - Source: domain ai.dlrun 1; ONNX DynamicQuantizeLinear and Transpose.
public struct DynamicToBytes: Operator {
  public let channels: Int

  public static let schema = Schema(
    "DynamicToBytes", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types, "")],
    outputs: [
      Parameter("Y", ByteLayout.types), Parameter("Y_scale", DTypes(.float32), ""),
      Parameter("Y_zero", ByteLayout.types),
    ],
    attributes: [BlockedLayout.channelsSpec],
    cases: {
      let x = try BlockedLayout.example()
      let y = try BlockedLayout.example(channels: 19)
      let blocks = [(7, try Eager().apply(ToBlocked(block: 16), x))]
      let others = [(19, try Eager().apply(ToBlocked(block: 8), y)), (7, x)]
      return (blocks + others).map {
        .init(DynamicToBytes(channels: $0.0), [$0.1], outputCount: 3)
      }
    })

  public init(channels: Int) { self.channels = channels }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try BlockedLayout.channels(a)
  }
  public var attributes: [Attribute] { [.int("channels", channels)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    var image = c.dims(0)
    if let x = image, x.count != 4 {
      image = try FromBlocked(channels: channels).infer(c).first?.dims
    } else if let given = image?[1].known, given != channels {
      throw EngineError(
        .shape, "input X has another number of channels", expected: "\(channels)",
        received: "\(given)")
    }
    return [
      Fact(.uint8, image.map { ByteLayout.bytes($0) }), Fact(.float32, []), Fact(.uint8, []),
    ]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard x.dtype == .float32 else { throw p.noKernel() }
    let moves = ByteMoves(
      batch: x.shape[0], channels: channels, pixels: x.shape[2] * x.shape[3])
    let (count, block) = (x.count, x.shape.rank == 5 ? x.shape[4] : nil)
    let (wantsScale, wantsZero) = (p.wants(1), p.wants(2))
    return Prepared(scratchBytes: 512, label: "to bytes") { m in
      let (low, high) = FloatCodes.range(
        count, m.input(0), scratch: m.scratch.assumingMemoryBound(to: Float.self), pool: m.pool)
      let scale = FloatCodes.uint8(low: low, high: high)
      if let block {
        moves.quantize(blocks: m.input(0), of: block, scale, into: m.output(0), pool: m.pool)
      } else {
        moves.quantize(m.input(0), scale, into: m.output(0), pool: m.pool)
      }
      if wantsScale { m.output(1, Float.self)[0] = scale.scale }
      if wantsZero { m.output(2, UInt8.self)[0] = UInt8(scale.zero) }
    }
  }
}
