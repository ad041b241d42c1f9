import Tensors

/// The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno, for smooth losses of few
/// parameters over all the data at once.
///
/// Each `step` computes the loss several times. Without a line search, as PyTorch's default.
///
/// - Source: Nocedal 1980; `torch.optim.LBFGS`.
public final class LBFGS {
  public let learningRate: Double
  public let iterations: Int
  public let historySize: Int
  public let gradientTolerance: Double
  public let changeTolerance: Double
  private let parameters: [Parameter]
  private var steps: [[Double]] = []
  private var changes: [[Double]] = []
  private var inverses: [Double] = []
  private var direction: [Double] = []
  private var before: [Double] = []
  private var scale = 1.0
  private var length = 0.0
  private var count = 0

  /// Errors: `.usage` for a model without trainable parameters.
  public init(
    _ model: Module, learningRate: Double = 1, iterations: Int = 20, historySize: Int = 100,
    gradientTolerance: Double = 1e-7, changeTolerance: Double = 1e-9
  ) throws {
    parameters = model.trainableParameters
    guard !parameters.isEmpty else {
      throw EngineError(.usage, "an optimiser without parameters", expected: "a trainable one")
    }
    self.learningRate = learningRate
    self.iterations = iterations
    self.historySize = historySize
    self.gradientTolerance = gradientTolerance
    self.changeTolerance = changeTolerance
  }

  /// Up to `iterations` updates. `evaluate` gives loss and gradients at the present parameters.
  ///
  /// - Returns: the loss before the first.
  public func step(
    _ evaluate: () throws -> (value: Tensor, gradients: Gradients)
  ) throws -> Double {
    var (loss, gradient) = try flat(evaluate())
    let first = loss
    guard largest(gradient) > gradientTolerance else { return first }
    let limit = iterations * 5 / 4
    var evaluations = 1
    for i in 0..<iterations {
      count += 1
      if count == 1 {
        direction = gradient.map { -$0 }
      } else {
        remember(zip(gradient, before).map { $0 - $1 }, direction.map { $0 * length })
        direction = descent(gradient)
      }
      before = gradient
      let old = loss
      length =
        count == 1
        ? min(1, 1 / gradient.reduce(0) { $0 + abs($1) }) * learningRate : learningRate
      let slope = product(gradient, direction)
      if slope > -changeTolerance { break }
      try move(by: length)
      if i != iterations - 1 {
        (loss, gradient) = try flat(evaluate())
        evaluations += 1
      }
      if evaluations >= limit || largest(gradient) <= gradientTolerance { break }
      if largest(direction) * length <= changeTolerance { break }
      if abs(loss - old) < changeTolerance { break }
    }
    return first
  }

  private func remember(_ change: [Double], _ step: [Double]) {
    let curvature = product(change, step)
    guard curvature > 1e-10 else { return }
    if steps.count == historySize {
      steps.removeFirst()
      changes.removeFirst()
      inverses.removeFirst()
    }
    steps.append(step)
    changes.append(change)
    inverses.append(1 / curvature)
    scale = curvature / product(change, change)
  }

  /// Minus the inverse Hessian's approximation times the gradient, by the two loops.
  private func descent(_ gradient: [Double]) -> [Double] {
    var q = gradient.map { -$0 }
    var factors = [Double](repeating: 0, count: steps.count)
    for i in steps.indices.reversed() {
      factors[i] = product(steps[i], q) * inverses[i]
      for k in q.indices { q[k] -= factors[i] * changes[i][k] }
    }
    for k in q.indices { q[k] *= scale }
    for i in steps.indices {
      let factor = factors[i] - product(changes[i], q) * inverses[i]
      for k in q.indices { q[k] += factor * steps[i][k] }
    }
    return q
  }

  private func move(by length: Double) throws {
    var at = 0
    for p in parameters {
      let n = p.value.count
      let part = try Tensor(
        shape: p.value.shape, direction[at..<at + n].map { $0 * length })
      p.value = try withoutGradient { try p.value + part.cast(to: p.value.dtype) }
      at += n
    }
  }

  private func flat(
    _ result: (value: Tensor, gradients: Gradients)
  ) throws -> (Double, [Double]) {
    var list: [Double] = []
    for p in parameters {
      list +=
        try result.gradients[p]?.numbers()
        ?? [Double](repeating: 0, count: p.value.count)
    }
    return (try result.value.scalar(), list)
  }
}

private func product(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}

private func largest(_ a: [Double]) -> Double { a.reduce(0) { max($0, abs($1)) } }
