import Graphs
import Kernels
import Tensors

/// Gaussian error linear unit: `Y = X / 2 (1 + erf(X / sqrt(2)))`, or with `approximate` tanh
/// `Y = X / 2 (1 + tanh(sqrt(2 / pi) (X + 0.044715 X^3)))`.
///
/// - `X`: float16, bfloat16, float32, float64, any shape; the result has the same type.
/// - `approximate`: none or tanh; default none.
/// - Errors: `.dtype` for other element types, `.attribute` for another `approximate`.
/// - Edges: NaN stays; -inf gives NaN, as the formula says.
/// - Gradient: `dY (P + X p)` with the normal distribution `P` and its density `p`; the derivative
///   of the formula for tanh.
/// - Source: ONNX Gelu 20.
public struct Gelu: Operator {
  public let isTanh: Bool

  public static let schema = Schema(
    "Gelu", versions: [20], inputs: [Parameter("X", .floats)], outputs: [Parameter("Y", .floats)],
    attributes: [AttributeSpec("approximate", .string, "none or tanh; default none")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [.init(Gelu(), [x]), .init(Gelu(isTanh: true), [x])]
    })

  public init(isTanh: Bool = false) { self.isTanh = isTanh }
  public init(reading a: AttributeReader) throws(EngineError) {
    isTanh = try a.string("approximate", default: "none", oneOf: ["none", "tanh"]) == "tanh"
  }
  public var attributes: [Attribute] { isTanh ? [.string("approximate", "tanh")] : [] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard let kernel = UnaryKernel(isTanh ? .geluTanh : .gelu, x.dtype) else { throw p.noKernel() }
    let count = x.count
    return Prepared(inPlace: 1, label: "gelu \(x.dtype)") { m in
      kernel.run(count: count, m.inputs[0], m.outputs[0], m.pool)
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    if isTanh {
      let square = try times(b, x, x)
      // t = tanh(u); dY/dX = (1 + t) / 2 + X / 2 (1 - t^2) du/dX.
      let c = 0.7978845608028654
      let u = try times(b, times(b, x, plus(b, times(b, square, 0.044715), 1)), c)
      let t = try b.apply(Tanh(), u)
      let du = try plus(b, times(b, square, 3 * 0.044715 * c), c)
      let slope = try times(b, times(b, x, du), minus(b, 1, times(b, t, t)))
      g.give(0, try times(b, dy, times(b, plus(b, plus(b, t, 1), slope), 0.5)))
    } else {
      g.give(0, try times(b, dy, b.apply(GeluSlope(), x)))
    }
  }
}
