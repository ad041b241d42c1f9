import Graphs
import Kernels
import Tensors

/// ReduceMean of quantised numbers, quantised.
///
/// - `data`: int8 or uint8; scales float32, one element; zero points (optional, 0): data's type,
///   one element. `reduced`: data's type.
/// - `axes`: what to reduce over; `keepdims`: whether reduced axes stay with size 1.
/// - Errors: `.attribute` for axes out of range; `.shape` for more than one scale.
/// - Edges: rounds to nearest, ties to even.
/// - Source: com.microsoft QLinearReduceMean 1. Deprecated, and ONNX Runtime has no kernel for it
///   any more: as its documentation says, dequantised, reduced and quantised.
public struct QLinearReduceMean: CompositeOperator {
  public let axes: [Int]
  public let keepsAxes: Bool

  public static let schema = Schema(
    "QLinearReduceMean", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("data", MatMulInteger.types), Parameter("data_scale", DTypes(.float32), ""),
      .optional("data_zero_point", MatMulInteger.types),
      Parameter("reduced_scale", DTypes(.float32), ""),
      .optional("reduced_zero_point", MatMulInteger.types),
    ],
    outputs: [Parameter("reduced", MatMulInteger.types)],
    attributes: [
      AttributeSpec("axes", .ints, "axes to reduce over"),
      AttributeSpec("keepdims", .int, "1: reduced axes stay with size 1"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 3, 2], (0..<12).map { UInt8($0 * 13) })
      let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.057 as Float))
      let zero = try Tensor(scalar: 10 as UInt8)
      return [
        .init(QLinearReduceMean(axes: [1], keepsAxes: true), [x, s, zero, t, zero]),
        .init(QLinearReduceMean(axes: [0, 2], keepsAxes: false), [x, s, nil, t, nil]),
      ]
    })

  public init(axes: [Int], keepsAxes: Bool) {
    self.axes = axes
    self.keepsAxes = keepsAxes
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axes = try a.ints("axes", default: [])
    keepsAxes = try a.bool("keepdims", default: true)
  }
  public var attributes: [Attribute] { [.ints("axes", axes), .bool("keepdims", keepsAxes)] }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count > 3, let x = inputs[0], let from = inputs[1], let to = inputs[3] else {
      throw EngineError(.arity, "an input is missing")
    }
    let wide = try b.apply(DequantizeLinear(), inputs: [x, from, inputs[2]])
    let over = ReduceAxes(axes.isEmpty ? nil : axes, keepDims: keepsAxes)
    let mean = try b.apply(ReduceMean(over), wide)
    let zero = inputs.count > 4 ? inputs[4] : nil
    let dtype = b.fact(of: x).dtype
    return Few(try b.apply(QuantizeLinear(output: dtype), inputs: [mean, to, zero]))
  }
}
