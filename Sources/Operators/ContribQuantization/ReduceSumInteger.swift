import Graphs
import Kernels
import Tensors

/// Sums of 8-bit integers along axes.
///
/// - `data`: int8 or uint8. `reduced`: int32 for int8, uint32 for uint8.
/// - `axes`: what to sum over; `keepdims`: whether those axes stay with size 1.
/// - Errors: `.attribute` for axes out of range.
/// - Edges: sums wrap modulo 2^32.
/// - Source: com.microsoft ReduceSumInteger 1. Its documentation: ONNX Runtime has no kernel for
///   it.
public struct ReduceSumInteger: CompositeOperator {
  public let axes: [Int]
  public let keepsAxes: Bool

  public static let schema = Schema(
    "ReduceSumInteger", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("data", MatMulInteger.types, "T1")],
    outputs: [Parameter("reduced", DTypes(.int32, .uint32), "T2")],
    attributes: [
      AttributeSpec("axes", .ints, "axes to sum over"),
      AttributeSpec("keepdims", .int, "1: they stay with size 1"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 3, 2], (0..<12).map { UInt8($0 * 23) })
      return [
        .init(ReduceSumInteger(axes: [1], keepsAxes: true), [x]),
        .init(ReduceSumInteger(axes: [0, -1], keepsAxes: false), [x]),
      ]
    })

  public init(axes: [Int], keepsAxes: Bool) {
    self.axes = axes
    self.keepsAxes = keepsAxes
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axes = try a.ints("axes")
    keepsAxes = try a.bool("keepdims", default: true)
  }
  public var attributes: [Attribute] { [.ints("axes", axes), .bool("keepdims", keepsAxes)] }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let dtype = b.fact(of: x).dtype else {
      throw EngineError(.dtype, "the element type of the input is not known")
    }
    let wide = try b.apply(Cast(to: dtype == .int8 ? .int32 : .uint32), x)
    return Few(try b.apply(ReduceSum(ReduceAxes(axes, keepDims: keepsAxes)), wide))
  }
}
