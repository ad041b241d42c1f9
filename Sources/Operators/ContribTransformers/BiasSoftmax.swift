import Graphs
import Tensors

/// Softmax of a sum over all axes from `axis` on: `Y = softmax(data + bias)`.
///
/// - `data`: float16, float32 or float64, any shape; `bias`: broadcasts to it.
/// - Attributes: `axis` default 1; `is_inner_broadcast`, required, says along which axes the bias
///   is repeated, as its shape does.
/// - Errors: `.attribute` for the axis; `.shape` for a bias that does not broadcast to the data.
/// - Source: ONNX Runtime's BiasSoftmax of domain com.microsoft, version 1.
public struct BiasSoftmax: CompositeOperator {
  public let axis: Int
  public let isInner: Bool

  static let types = DTypes(.float16, .float32, .float64)
  public static let schema = Schema(
    "BiasSoftmax", domain: ContribTransformers.domain, versions: [1],
    inputs: [Parameter("data", types), Parameter("bias", types)],
    outputs: [Parameter("output", types)],
    attributes: [
      AttributeSpec("axis", .int, "first axis of the softmax, with all that follow; default 1"),
      AttributeSpec("is_inner_broadcast", .int, "1: the bias is repeated before axis; required"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 3], (0..<12).map { Float(($0 * 5) % 12) * 0.3 - 2 })
      let bias = try Tensor(shape: [2, 1, 3], [0.5, 1, -2, 4, 0, 0.25] as [Float])
      return [.init(BiasSoftmax(axis: 2, isInner: true), [x, bias])]
    })

  public init(axis: Int = 1, isInner: Bool) {
    self.axis = axis
    self.isInner = isInner
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 1)
    isInner = try a.int("is_inner_broadcast") != 0
  }
  public var attributes: [Attribute] {
    [.int("axis", axis), .bool("is_inner_broadcast", isInner)]
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let bias = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let sum = try plus(b, x, bias)
    if let dims = b.fact(of: x).tensorType?.shape, let all = b.fact(of: sum).tensorType?.shape,
      dims != all
    {
      throw EngineError(
        .shape, "the bias does not broadcast to the data", expected: "a shape that fits \(dims)",
        received: "a sum of shape \(all)")
    }
    return Few(try b.apply(Softmax(SoftmaxAxis(axis, flattens: true)), sum))
  }
}
