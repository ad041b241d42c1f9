import Graphs
import Kernels
import Tensors

/// Values near 0 become 0, others move towards it: `y = x + bias` where `x < -lambd`, `x - bias`
/// where `x > lambd`, 0 elsewhere.
///
/// - `input`: float16, float32, float64 or integers, any shape; the result has the same type.
/// - `lambd`: default 0.5. `bias`: default 0.
/// - Edges: NaN becomes 0. Integers are compared and moved in float64 and truncated.
/// - Gradient: `dY` where the magnitude exceeds `lambd`, 0 elsewhere.
/// - Source: ONNX Shrink 9.
public struct Shrink: Operator {
  public let lambda: Float
  public let bias: Float

  static let types: DTypes = [.ints, DTypes(.float16, .float32, .float64)]

  public static let schema = Schema(
    "Shrink", versions: [9], inputs: [Parameter("input", types)],
    outputs: [Parameter("output", types)],
    attributes: [
      AttributeSpec("lambd", .float, "half the width of what becomes 0; default 0.5"),
      AttributeSpec("bias", .float, "how far the rest moves; default 0"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, -0.3] as [Float])
      return [.init(Shrink(), [x]), .init(Shrink(lambda: 1, bias: 0.4), [x])]
    })

  public init(lambda: Float = 0.5, bias: Float = 0) {
    self.lambda = lambda
    self.bias = bias
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    lambda = try a.float("lambd", default: 0.5)
    bias = try a.float("bias", default: 0)
  }
  public var attributes: [Attribute] { [.float("lambd", lambda), .float("bias", bias)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard isNumeral(x.dtype) else { throw p.noKernel() }
    let (count, dtype) = (x.count, x.dtype)
    let (lambda, bias) = (Double(lambda), Double(bias))
    return Prepared(inPlace: 1, label: "shrink \(dtype)") { m in
      visitNumeral(
        dtype,
        Kernel(
          x: m.inputs[0], y: m.outputs[0], count: count, lambda: lambda, bias: bias, pool: m.pool))
    }
  }

  private struct Kernel: NumeralVisitor {
    let x: UnsafeMutableRawPointer
    let y: UnsafeMutableRawPointer
    let count: Int
    let lambda: Double
    let bias: Double
    let pool: ThreadPool

    func visit<T: Numeral>(_: T.Type) {
      let (x, y) = (x.assumingMemoryBound(to: T.self), y.assumingMemoryBound(to: T.self))
      let step = 16384
      pool.run((count + step - 1) / step) { piece in
        for i in piece * step..<min(count, (piece + 1) * step) {
          let v = x[i].double
          if v < -lambda {
            y[i] = bias == 0 ? x[i] : T(truncating: v + bias)
          } else if v > lambda {
            y[i] = bias == 0 ? x[i] : T(truncating: v - bias)
          } else {
            y[i] = T.zeroValue
          }
        }
      }
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    let isOut = try b.apply(
      Or(), isLess(b, x, -Double(lambda)), isGreater(b, x, Double(lambda)))
    g.give(0, try masked(b, g.upstream(), where: isOut))
  }
}
