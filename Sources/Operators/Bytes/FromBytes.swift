import Graphs
import Kernels
import Tensors

/// The image that bytes stand for: `Y[n, c, h, w] = (X[n, h, w, c] - x_zero) * x_scale`.
///
/// - `X`: uint8 `[N, H, W, C in fours]`. `channels`: C.
/// - `to`: the type of the result: float32 (default); uint8, the bytes themselves; int8, the bytes
///   minus 128.
/// - Output: `[N, C, H, W]`.
/// - Errors: `.shape` for another rank or number of channels; `.attribute` for another type.
/// - Source: domain ai.dlrun 1; ONNX Transpose and DequantizeLinear.
public struct FromBytes: Operator {
  public let channels: Int
  public let scale: PixelScale
  public let type: DType

  static let results = DTypes(.float32, .uint8, .int8)

  public static let schema = Schema(
    "FromBytes", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", ByteLayout.types, "")], outputs: [Parameter("Y", results, "T")],
    attributes: [
      BlockedLayout.channelsSpec,
      AttributeSpec("to", .int, "the result's type number; default 1: float32"),
    ] + ByteLayout.specs("x", of: "X"),
    cases: {
      let x = try ByteLayout.example()
      return [
        .init(FromBytes(channels: 6, PixelScale(0.25, zero: 100)), [x]),
        .init(FromBytes(channels: 5, PixelScale(1, zero: 128), to: .int8), [x]),
        .init(FromBytes(channels: 8, PixelScale(1, zero: 0), to: .uint8), [x]),
      ]
    })

  public init(channels: Int, _ scale: PixelScale, to type: DType = .float32) {
    (self.channels, self.scale, self.type) = (channels, scale, type)
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    channels = try BlockedLayout.channels(a)
    scale = try ByteLayout.scale("x", a)
    type = try QuantScales.dtype(a, "to") ?? .float32
    guard Self.results.contains(type) else {
      throw EngineError(
        .attribute, "attribute 'to' is not what bytes become", expected: "float32, uint8 or int8",
        received: "\(type)")
    }
  }
  public var attributes: [Attribute] {
    [.int("channels", channels), .dtype("to", type)] + ByteLayout.attributes("x", scale)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(type, try ByteLayout.plain(c.dims(0), channels: Dim(channels), "X"))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let moves = ByteMoves(
      batch: x.shape[0], channels: channels, pixels: x.shape[1] * x.shape[2])
    let scale = scale
    if y.dtype == .float32 {
      return Prepared(label: "from bytes") { m in
        moves.dequantize(m.input(0), scale, into: m.output(0), pool: m.pool)
      }
    }
    let flip: UInt8 = y.dtype == .int8 ? 128 : 0
    return Prepared(label: "from bytes") { m in
      moves.toPlanes(m.input(0), flip: flip, into: m.output(0), pool: m.pool)
    }
  }
}
