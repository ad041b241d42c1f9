import Graphs
import Kernels
import Tensors

/// The softmax of quantised numbers, quantised.
///
/// - `X`: int8 or uint8, any shape; `X_scale`, `y_scale`: float32, one element; `x_zero_point`
///   (optional, plays no part), `y_zero_point`: X's type, one element. `Y`: X's type and shape.
/// - `opset`: that of the Softmax it stands for: from 13 on along `axis` (default -1); before, over
///   all axes from `axis` on (default 1).
/// - Errors: `.attribute` for an axis out of range, `.shape` for more than one scale.
/// - Accuracy: integers throughout (see `QuantizedSoftmax`), the codes of ONNX Runtime.
/// - Source: com.microsoft QLinearSoftmax 1.
public struct QLinearSoftmax: Operator {
  public let axis: Int
  public let opset: Int

  public static let schema = Schema(
    "QLinearSoftmax", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", MatMulInteger.types), Parameter("X_scale", DTypes(.float32), ""),
      .optional("x_zero_point", MatMulInteger.types), Parameter("y_scale", DTypes(.float32), ""),
      Parameter("y_zero_point", MatMulInteger.types),
    ],
    outputs: [Parameter("Y", MatMulInteger.types)],
    attributes: [
      AttributeSpec("axis", .int, "the axis, or the first of many before opset 13; default -1"),
      AttributeSpec("opset", .int, "opset version of the Softmax it stands for"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (0..<24).map { UInt8($0 * 11 % 256) })
      let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.0039 as Float))
      let zero = try Tensor(scalar: 0 as UInt8)
      return [
        .init(QLinearSoftmax(axis: -1, opset: 13), [x, s, zero, t, zero]),
        .init(QLinearSoftmax(axis: 1, opset: 13), [x, s, nil, t, zero]),
        .init(QLinearSoftmax(axis: 1, opset: 11), [x, s, zero, t, zero]),
      ]
    })

  public init(axis: Int = -1, opset: Int) {
    self.axis = axis
    self.opset = opset
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    opset = try a.int("opset")
    axis = try a.int("axis", default: opset < 13 ? 1 : -1)
  }
  public var attributes: [Attribute] { [.int("axis", axis), .int("opset", opset)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    _ = try c.axis(axis, rank: c.rank(0))
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let at = try normalisedAxis(axis, rank: x.shape.rank)
    let isSigned = x.dtype == .int8
    let from = try ByteScaleInputs(p, "X", dtype: x.dtype, scale: 1, zero: 2)
    let to = try ByteScaleInputs(p, "Y", dtype: x.dtype, scale: 3, zero: 4)
    let rest = x.shape.count(of: at + 1..<x.shape.rank)
    let kernel = QuantizedSoftmax(
      outer: x.shape.count(of: 0..<at), n: opset < 13 ? x.shape[at] * rest : x.shape[at],
      inner: opset < 13 ? 1 : rest, isSigned: isSigned)
    return Prepared(scratchBytes: kernel.scratchBytes, label: "softmax int8") { m in
      kernel.run(
        m.inputs[0], scale: from.read(m).scale, m.outputs[0], to.read(m), scratch: m.scratch,
        pool: m.pool)
    }
  }
}
