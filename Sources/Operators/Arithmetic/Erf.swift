import Graphs
import Kernels
import Tensors

/// Error function: `output = 2/sqrt(pi) * integral of e^(-t^2) from 0 to input`.
///
/// - `input`: float16, bfloat16, float32, float64, any shape; the result has the same type. Opset 9
///   took integers as well: the fraction is dropped.
/// - Errors: `.dtype` for other element types.
/// - Edges: 1 at inf, -1 at -inf. Of integers 1 from 6 on, where float64 rounds to 1.
/// - Accuracy: float32 1.2 ulp; float64 as the C library; 16-bit floats are rounded once from
///   float32.
/// - Gradient: `dY 2/sqrt(pi) e^(-input^2)`.
/// - Source: ONNX Erf 9, 13.
public struct Erf: UnaryElementwise {
  public static let schema = Schema(
    "Erf", versions: [9, 13], inputs: [Parameter("input", .numeric)],
    outputs: [Parameter("output", .numeric)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2.0, -1.25, 0.5] as [Float])
      return [.init(Erf(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public static let kernel = UnaryOp.erf

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    if let kernel = UnaryKernel(Self.kernel, x.dtype) {
      let count = x.count
      return Prepared(inPlace: 1, label: "erf \(x.dtype)") { m in
        kernel.run(count: count, m.inputs[0], m.outputs[0], m.pool)
      }
    }
    guard DTypes.ints.contains(x.dtype) else { throw p.noKernel() }
    return Prepared(inPlace: 1, label: "erf \(x.dtype)") { m in
      for i in 0..<x.count {
        let value = loadNumber(m.inputs[0], i, x.dtype)
        storeNumber(value >= 6 ? 1 : value <= -6 ? -1 : 0, m.outputs[0], i, x.dtype)
      }
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0), dy = try g.upstream()
    let bell = try b.apply(Exp(), b.apply(Neg(), times(b, x, x)))
    g.give(0, try times(b, dy, times(b, bell, 1.1283791670955126)))
  }
}
