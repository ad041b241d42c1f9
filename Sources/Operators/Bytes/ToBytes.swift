import Graphs
import Kernels
import Tensors

/// An image as bytes, its channels side by side:
/// `Y[n, h, w, c] = clamp(round(X[n, c, h, w] / y_scale) + y_zero)`.
///
/// - `X`: `[N, C, H, W]`: float32; or uint8, which keeps its numbers, or int8, to which 128 is added.
/// - `y_scale`, `y_zero`: what results stand for; bytes that are given keep theirs.
/// - Output: uint8 `[N, H, W, C in fours]`; bytes behind the last channel are y_zero.
/// - Errors: `.shape` for another rank.
/// - Edges: NaN becomes 0. Ties round to even.
/// - Source: domain ai.dlrun 1; ONNX QuantizeLinear and Transpose.
public struct ToBytes: Operator {
  public let scale: PixelScale

  public static let schema = Schema(
    "ToBytes", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", DTypes(.float32, .uint8, .int8))],
    outputs: [Parameter("Y", ByteLayout.types, "")],
    attributes: ByteLayout.specs("y", of: "Y"),
    cases: {
      let x = try Tensor(
        shape: [2, 3, 5, 4], (0..<120).map { Float(($0 * 37) % 101) * 0.125 - 4 })
      let q = try Tensor(shape: [1, 5, 2, 3], (0..<30).map { Int8($0 * 7 % 100 - 50) })
      return [
        .init(ToBytes(PixelScale(0.05, zero: 81)), [x]),
        .init(ToBytes(PixelScale(1, zero: 128)), [q]),
      ]
    })

  public init(_ scale: PixelScale) { self.scale = scale }
  public init(reading a: AttributeReader) throws(EngineError) {
    scale = try ByteLayout.scale("y", a)
  }
  public var attributes: [Attribute] { ByteLayout.attributes("y", scale) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(.uint8, nil)] }
    guard x.count == 4 else {
      throw EngineError(
        .shape, "the input is no image", expected: "[N, C, H, W]", received: "\(x)")
    }
    return [Fact(.uint8, ByteLayout.bytes(x))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    if try p.output(0).count == 0 { return Prepared { (_) throws(EngineError) in } }
    let moves = ByteMoves(
      batch: x.shape[0], channels: x.shape[1], pixels: x.shape[2] * x.shape[3])
    let (scale, filler) = (scale, UInt8(scale.zero))
    switch x.dtype {
    case .float32:
      return Prepared(label: "to bytes") { m in
        moves.quantize(m.input(0), scale, into: m.output(0), pool: m.pool)
      }
    case .uint8, .int8:
      let flip: UInt8 = x.dtype == .int8 ? 128 : 0
      return Prepared(label: "to bytes") { m in
        moves.toPixels(m.input(0), flip: flip, filler: filler, into: m.output(0), pool: m.pool)
      }
    default: throw p.noKernel()
    }
  }
}
