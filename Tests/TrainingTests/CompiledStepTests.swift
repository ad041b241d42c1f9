import Tensors
import Testing
import Training

private final class Perceptron: Module {
  let first: Parameter
  let offset: Parameter
  let second: Parameter
  let steps: StateTensor

  init(seed: UInt64 = 5) throws {
    (first, offset, second) = try withSeed(seed) {
      (
        Parameter(try .glorotUniform([3, 8])), Parameter(try .zeros([8])),
        Parameter(try .glorotUniform([8, 2]))
      )
    }
    steps = StateTensor(try Tensor(scalar: 0 as Float))
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    if isTraining { steps.value = try steps.value + 1 }
    return try x.linear(first.value, offset.value).tanh().matmul(second.value)
  }
}

/// A step captured into a graph does what the same code does at once.
@Suite struct CompiledStepTests {
  private func batch(_ rows: Int, seed: UInt64) throws -> [Tensor] {
    try withSeed(seed) { [try .normal([rows, 3]), try .randomIntegers([rows], from: 0, to: 2)] }
  }

  private func loss(_ model: Perceptron, _ b: [Tensor]) throws -> Tensor {
    try Loss.crossEntropy(model(b[0]), b[1])
  }

  @Test func agreesWithEager() throws {
    let (a, b) = (try Perceptron(), try Perceptron())
    let eager = try Optimizer(a, .keras.adam(learningRate: 0.02))
    let step = try CompiledStep(
      b, Optimizer(b, .keras.adam(learningRate: 0.02)), example: batch(4, seed: 1), loss: loss)
    // Batches of other sizes need no other capture.
    for (i, rows) in [4, 7, 4, 1, 32, 7].enumerated() {
      let data = try batch(rows, seed: UInt64(i))
      let (value, gradients) = try valueAndGradient(of: a) { try loss($0, data) }
      let (again, others) = try step.valueAndGradient(data)
      #expect(abs(try value.scalar() - again) < 1e-6)
      for (g, h) in zip(gradients.values, others.values) {
        for (x, y) in zip(try #require(g).numbers(), try #require(h).numbers()) {
          #expect(abs(x - y) < 1e-6)
        }
      }
      b.steps.value = try b.steps.value - 1
      try eager.update(gradients)
      try step(data)
    }
    for (p, q) in zip(a.parameters, b.parameters) {
      for (x, y) in zip(try p.value.numbers(), try q.value.numbers()) {
        #expect(abs(x - y) < 1e-5)
      }
    }
    #expect(try b.steps.value.scalar() == 6)
    #expect(try a.steps.value.scalar() == 6)
  }

  /// The same bits for any number of threads.
  @Test func threadsAgree() throws {
    var results: [[Double]] = []
    for threads in 1...3 {
      let model = try Perceptron()
      let step = try CompiledStep(
        model, Optimizer(model, .torch.adamW(learningRate: 0.05)), example: batch(64, seed: 1),
        threads: threads, loss: loss)
      for i in 0..<20 { try step(batch(64, seed: UInt64(i))) }
      results.append(try model.parameters.flatMap { try $0.value.numbers() })
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  private func failure(_ body: (Perceptron, [Tensor]) throws -> Tensor) throws -> EngineError? {
    let model = try Perceptron()
    do {
      _ = try CompiledStep(
        model, Optimizer(model, .keras.sgd()), example: batch(4, seed: 1), loss: body)
    } catch { return error as? EngineError }
    return nil
  }

  /// What depends on values or sizes is refused, with a line where it reads a value.
  @Test func nothingIsBakedIn() throws {
    var line = 0
    let branch = try failure { model, b in
      let y = try loss(model, b)
      line = #line + 1
      return try y.isTrue() ? y : y * 2
    }
    #expect(branch?.code == .usage)
    #expect(branch?.subject.line == line)
    #expect(branch?.subject.file?.hasSuffix("CompiledStepTests.swift") == true)
    let loop = try failure { model, b in
      var y = try loss(model, b)
      for _ in 0..<b[0].shape[0] { y = try y * 0.5 }
      return y
    }
    #expect(loop?.code == .usage)
    let size = try failure { model, b in try loss(model, b) / Double(b[0].shape[0]) }
    #expect(size?.code == .usage)
    let random = try failure { model, b in
      try loss(model, b) + Tensor.normal([]).detached()
    }
    #expect(random?.code == .usage)
  }

  /// Constants to gradients are so in the graph as well.
  @Test func detachedParts() throws {
    let data = try batch(4, seed: 1)
    func part(_ model: Perceptron, _ b: [Tensor]) throws -> Tensor {
      let y = try model(b[0])
      let scale = try withoutGradient { try model.second.value.squared().mean() }
      return try (y * y.detached()).mean() * scale
    }
    let model = try Perceptron()
    let step = try CompiledStep(
      model, Optimizer(model, .keras.sgd()), example: data, threads: 1, loss: part)
    let (_, wanted) = try valueAndGradient(of: model) { try part($0, data) }
    let (_, got) = try step.valueAndGradient(data)
    for (a, b) in zip(wanted.values, got.values) {
      for (x, y) in zip(try #require(a).numbers(), try #require(b).numbers()) {
        #expect(abs(x - y) < 1e-6)
      }
    }
  }

  @Test func whatCannotBeCaptured() throws {
    let custom = try failure { model, b in
      let y = try model(b[0])
      return try withDerivative(at: [y], { [try $0[0].rounded()] }) { _, _, u in [u[0]] }[0].sum()
    }
    #expect(custom?.code == .unsupported)
    let hook = try failure { model, b in
      let y = try model(b[0])
      y.onGradient { $0 }
      return try y.sum()
    }
    #expect(hook?.code == .unsupported)
    let inner = try failure { model, b in
      try gradient(at: model.second.value) { try $0.squared().sum() }.sum()
    }
    #expect(inner?.code == .unsupported)
  }
}
