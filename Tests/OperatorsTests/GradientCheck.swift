import Graphs
import Operators
import Tensors
import Testing

/// Compares an operator's gradient rule with central differences, on one case of its schema.
///
/// The loss weighs the outputs with different factors, so that a permuted gradient shows.
struct GradientCheck {
  let op: any Operator
  let inputs: [Tensor?]
  let outputs: Int
  let isDouble: Bool

  init(_ c: Schema.Case) throws {
    op = c.op
    outputs = c.outputCount
    // Doubles leave room for small differences; not every operator has them.
    var doubles: [Tensor?] = []
    for t in c.inputs {
      if let t, t.dtype == .float32 {
        doubles.append(try Tensor(shape: t.shape, t.elements(Float.self).map { Double($0) }))
      } else {
        doubles.append(t)
      }
    }
    let runs =
      (try? Eager().evaluate(
        c.op, doubles.map { $0.map { .tensor($0) } }, outputs: c.outputCount, runner: nil)) != nil
    isDouble = runs
    inputs = runs ? doubles : c.inputs
  }

  private func forward(_ inputs: [Tensor?]) throws -> [Tensor] {
    try Eager().evaluate(
      op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs, runner: nil
    ).map { try #require($0).asTensor() }
  }

  private func weight(_ i: Int) -> Double { 1 + 0.25 * Double(i % 7) }

  private func numbers(_ t: Tensor) -> [Double] {
    switch t.dtype {
    case .float32: t.elements(Float.self).map { Double($0) }
    case .float64: Array(t.elements(Double.self))
    default: []
    }
  }

  private func make(_ shape: Shape, _ values: [Double]) throws -> Tensor {
    isDouble
      ? try Tensor(shape: shape, values) : try Tensor(shape: shape, values.map { Float($0) })
  }

  /// Only the first output carries the loss.
  private func loss(_ inputs: [Tensor?]) throws -> Double {
    var sum = 0.0
    for (i, v) in numbers(try forward(inputs)[0]).enumerated() { sum += weight(i) * v }
    return sum
  }

  func run(_ key: String) throws {
    let results = try forward(inputs)
    guard results[0].dtype == .float32 || results[0].dtype == .float64 else { return }
    let upstream = try make(
      results[0].shape, (0..<results[0].count).map { weight($0) })
    var needed: UInt64 = 0
    for (i, t) in inputs.enumerated() where t?.dtype.isFloat == true { needed |= 1 << UInt64(i) }
    var ups: [Tensor?] = [upstream]
    for _ in results.dropFirst() { ups.append(nil) }
    var g = Backward(
      inputs: Few(inputs), outputs: Few(results), upstreams: Few(ups), needed: needed)
    try op.gradientEagerly(Eager(), &g)
    let step = isDouble ? 1e-6 : 1e-2
    let tolerance = isDouble ? 1e-4 : 2e-2
    for (i, t) in inputs.enumerated() {
      guard let t, t.dtype.isFloat, let got = g.result(i) else { continue }
      #expect(got.shape == t.shape, "\(key): gradient \(i) has the shape of its input")
      guard got.shape == t.shape else { continue }
      let rule = numbers(got)
      let x = numbers(t)
      for j in x.indices {
        var (up, down) = (x, x)
        up[j] += step
        down[j] -= step
        var (a, b) = (inputs, inputs)
        a[i] = try make(t.shape, up)
        b[i] = try make(t.shape, down)
        let difference = try (loss(a) - loss(b)) / (2 * step)
        #expect(
          abs(difference - rule[j]) <= tolerance * max(1, abs(difference)),
          "\(key) input \(i)[\(j)]: rule \(rule[j]), differences \(difference)")
      }
    }
  }
}
