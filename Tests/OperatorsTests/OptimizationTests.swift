import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// The optimisers' formulas, written out again for one number, and what they refuse.
@Suite struct OptimizationTests {
  private func run(
    _ op: any Operator, _ inputs: [Tensor], _ outputs: Int
  ) throws -> [Tensor] {
    try Eager().evaluate(op, inputs.map { .tensor($0) }, outputs: outputs, runner: nil)
      .map { try #require($0).asTensor() }
  }
  private func one(_ v: Double) throws -> Tensor { try Tensor([v]) }
  private func close(_ a: Tensor, _ b: Double) -> Bool {
    abs(a.elements(Double.self)[0] - b) <= 1e-12 * abs(b)
  }

  private let r = 0.1
  private let x = 2.0
  private let g = -0.5
  private let v = 0.3
  private let h = 0.7
  // Attributes are float32.
  private let alpha = Double(Float(0.8))
  private let beta = Double(Float(0.6))
  private let norm = Double(Float(0.25))

  @Test(arguments: [0, 1, 5] as [Int64]) func adagrad(_ step: Int64) throws {
    let op = Adagrad(epsilon: 0.125, decayFactor: 0.5, normCoefficient: 0.25)
    let got = try run(
      op, [try one(r), try Tensor(scalar: step), try one(x), try one(g), try one(h)], 2)
    let grad = norm * x + g
    let sum = h + grad * grad
    let rate = r / (1 + 0.5 * Double(step))
    #expect(close(got[0], x - rate * grad / (sum.squareRoot() + 0.125)))
    #expect(close(got[1], sum))
  }

  @Test(arguments: [0, 1, 5] as [Int64]) func adam(_ step: Int64) throws {
    let op = Adam(
      alpha: 0.8, beta: 0.6, epsilon: 0.125, normCoefficient: 0.25, normCoefficientPost: 0.5)
    let inputs = [
      try one(r), try Tensor(scalar: step), try one(x), try one(g), try one(v), try one(h),
    ]
    let got = try run(op, inputs, 3)
    let grad = norm * x + g
    let mean = alpha * v + (1 - alpha) * grad
    let square = beta * h + (1 - beta) * grad * grad
    var (a, b) = (1.0, 1.0)
    for _ in 0..<step { (a, b) = (a * alpha, b * beta) }
    let rate = step > 0 ? r * (1 - b).squareRoot() / (1 - a) : r
    #expect(close(got[0], 0.5 * (x - rate * mean / (square.squareRoot() + 0.125))))
    #expect(close(got[1], mean))
    #expect(close(got[2], square))
  }

  @Test(arguments: [0, 2] as [Int64], [false, true]) func momentum(
    _ step: Int64, _ isNesterov: Bool
  ) throws {
    let op = Momentum(alpha: 0.8, beta: 0.6, normCoefficient: 0.25, isNesterov: isNesterov)
    let got = try run(
      op, [try one(r), try Tensor(scalar: step), try one(x), try one(g), try one(v)], 2)
    let grad = norm * x + g
    let next = alpha * v + (step > 0 ? beta : 1) * grad
    #expect(close(got[0], x - r * (isNesterov ? grad + alpha * next : next)))
    #expect(close(got[1], next))
  }

  @Test func severalTensorsGoGroupByGroup() throws {
    // Two tensors of different shapes and types give what each gives alone.
    let op = Adagrad(epsilon: 0.5)
    let (rate, step) = (try Tensor(scalar: Float(0.5)), try Tensor(scalar: Int64(1)))
    let a = (0..<3).map { k in try? Tensor(shape: [2], [Float(k) + 1, 2]) }.compactMap { $0 }
    let b = (0..<3).map { k in try? Tensor(shape: [1, 3], [Double(k), 4, 9]) }.compactMap { $0 }
    let both = try run(op, [rate, step, a[0], b[0], a[1], b[1], a[2], b[2]], 4)
    let first = try run(op, [rate, step] + a, 2)
    let second = try run(op, [rate, step] + b, 2)
    for (got, want) in zip(both, [first[0], second[0], first[1], second[1]]) {
      #expect(got.type == want.type && got.rawBytes.elementsEqual(want.rawBytes))
    }
    // Outputs that nobody takes.
    let alone = try run(op, [rate, step, a[0], b[0], a[1], b[1], a[2], b[2]], 1)
    #expect(alone[0].rawBytes.elementsEqual(first[0].rawBytes))
  }

  @Test func misfitsAreRefused() throws {
    func code(_ inputs: [Tensor], _ outputs: Int) -> EngineError.Code? {
      do {
        _ = try run(Adagrad(), inputs, outputs)
        return nil
      } catch { return (error as? EngineError)?.code }
    }
    let (rate, step) = (try Tensor(scalar: 0.5), try Tensor(scalar: Int64(1)))
    let x = try Tensor([1, 2] as [Double])
    #expect(code([rate, step, x, x, x], 2) == nil)
    #expect(code([rate, step, x, x], 2) == .arity)
    #expect(code([rate, step, x, x, x], 3) == .arity)
    #expect(code([x, step, x, x, x], 2) == .shape)
    #expect(code([rate, step, x, try one(1), x], 2) == .shape)
    #expect(code([rate, step, x, x, try Tensor([1, 2] as [Float])], 2) == .dtype)
  }
}
