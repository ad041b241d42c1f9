import Graphs
import Kernels
import Tensors

/// 1 with the probability that the input says, else 0.
///
/// - `input`: float16, bfloat16, float32 or float64, any shape, values in [0, 1].
/// - `dtype`: any numeric type or bool; default: that of the input. `seed`: one seed gives the same
///   draws in each run; default: other draws in each run.
/// - Errors: `.value` for a probability outside [0, 1] or NaN.
/// - Source: ONNX Bernoulli 15, 22. Drawn by Philox.
public struct Bernoulli: Operator {
  public let dtype: DType?
  public let seed: Float?

  public static let schema = Schema(
    "Bernoulli", versions: [15, 22], inputs: [Parameter("input", .floats, "T1")],
    outputs: [Parameter("output", [.numeric, .bool], "T2")],
    attributes: [
      AttributeSpec("dtype", .int, "type number of the result; default the input's"),
      Random.seedSpec,
    ],
    isDeterministic: false,
    cases: {
      let x = try Tensor(shape: [2, 3], [0, 0.25, 0.5, 0.75, 1, 0.1] as [Float])
      return [.init(Bernoulli(seed: 1), [x]), .init(Bernoulli(dtype: .bool), [x])]
    })

  public init(dtype: DType? = nil, seed: Float? = nil) {
    self.dtype = dtype
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    dtype = try Random.optionalDType(a)
    seed = try Random.seed(a)
  }
  public var attributes: [Attribute] {
    (dtype.map { [.dtype("dtype", $0)] } ?? []) + (seed.map { [.float("seed", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let made = dtype ?? c.dtype(0)
    try Random.check(made, [.numeric, .bool])
    return [Fact(made, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let y = try p.output(0)
    guard DTypes.floats.contains(x.dtype) else { throw p.noKernel() }
    let seed = seed
    return Prepared(label: "philox") { (m) throws(EngineError) in
      let draws = Philox(seed: seed).draws
      let piece = 128
      // No more than fits the stack.
      try withUnsafeTemporaryAllocation(of: Double.self, capacity: 128) {
        (drawn) throws(EngineError) in
        guard let drawn = drawn.baseAddress else { return }
        for first in stride(from: 0, to: x.count, by: piece) {
          let some = min(piece, x.count - first)
          draws.uniform(first, count: some, into: drawn)
          if x.dtype == .float32, y.dtype == .float32 {
            let (x, y) = (m.input(0, Float.self) + first, m.output(0, Float.self) + first)
            if Chances.isBelow(some, drawn, x, y) { continue }
          }
          for i in 0..<some {
            let chance = loadNumber(m.inputs[0], first + i, x.dtype)
            guard chance >= 0, chance <= 1 else {
              throw EngineError(
                .value, "element \(first + i) is no probability", expected: "0 to 1",
                received: "\(chance)")
            }
            storeNumber(drawn[i] < chance ? 1 : 0, m.outputs[0], first + i, y.dtype)
          }
        }
      }
    }
  }
}
