import Graphs
import Kernels
import Tensors

/// The product of two images of bytes: `Y = clamp(round((A B) / y_scale) + y_zero, low, high)` with the
/// numbers that the bytes of A and B stand for.
///
/// - `A`: uint8 `[N, H, W, C]`; `B`: the same shape, or `[N, 1, 1, C]`.
/// - Attributes: scales and zero points of A, B and Y; bounds of the result.
/// - Errors: `.shape` for other sizes.
/// - Accuracy: float32; multiplies by 1 / y_scale, which may move a result next to a tie by one step.
/// - Source: domain ai.dlrun 1; ONNX Mul between DequantizeLinear and QuantizeLinear.
public struct ByteMul: BytePairing {
  public let scales: BytePairScales

  public static let schema = Schema(
    "ByteMul", domain: "ai.dlrun", versions: [1], inputs: BytePairScales.inputs,
    outputs: [Parameter("Y", ByteLayout.types)], attributes: BytePairScales.specs,
    cases: {
      let (a, b) = (try ByteLayout.example(), try ByteLayout.example(seed: 5))
      let row = try Tensor(shape: [2, 1, 1, 8], (0..<16).map { UInt8($0 * 15) })
      let (s, t) = (PixelScale(0.25, zero: 100), PixelScale(0.125, zero: 30))
      return [
        .init(ByteMul(BytePairScales(s, t, to: PixelScale(0.7, zero: 90))), [a, b]),
        .init(ByteMul(BytePairScales(s, t, to: PixelScale(3.1, zero: 7), low: 7)), [a, row]),
      ]
    })

  public init(_ scales: BytePairScales) { self.scales = scales }
  public init(reading a: AttributeReader) throws(EngineError) {
    scales = try BytePairScales(reading: a)
  }
  public static var kind: BytePair.Kind { .product }
}
