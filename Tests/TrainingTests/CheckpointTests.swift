import Foundation
import Tensors
import Testing
import Training

private final class Small: Module {
  let weight: Parameter
  let bias: Parameter
  let seen: StateTensor

  init(seed: UInt64) throws {
    weight = Parameter(try withSeed(seed) { try .glorotUniform([3, 2]) })
    bias = Parameter(try .zeros([2]))
    seen = StateTensor(try Tensor(scalar: 0 as Float))
  }
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    seen.value = try seen.value + 1
    return try x.dropout(0.3).linear(weight.value, bias.value)
  }
}

/// Files of weights and of training runs.
@Suite struct CheckpointTests {
  private func file(_ name: String) -> String {
    FileManager.default.temporaryDirectory.appending(
      path: "dlrun-\(ProcessInfo.processInfo.processIdentifier)-\(name).safetensors"
    ).path
  }

  private func bits(_ m: Small) -> [[UInt8]] {
    m.parameters.map { Array($0.value.rawBytes) } + m.states.map { Array($0.value.rawBytes) }
  }

  private func step(_ m: Small, _ o: Optimizer) throws {
    let x = try Tensor.normal([8, 3])
    let (_, g) = try valueAndGradient(of: m) { try $0(x).squared().mean() }
    try o.update(g)
  }

  /// A run that stops and goes on in a new process ends with the bits of one that never stopped:
  /// data and dropout from the generator, states, slots and the schedule's place included.
  @Test(arguments: [
    OptimizerRule.keras.adam(learningRate: 0.05), .keras.nadam(learningRate: 0.05),
    .torch.sgd(momentum: 0.9), .keras.lamb(), .keras.rmsprop(momentum: 0.5, centered: true),
    .keras.scheduleFreeAdamW(), .keras.adafactor(), .keras.muon(),
  ])
  func resumesExactly(rule: OptimizerRule) throws {
    let path = file("resume-\(rule.name)")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let schedule = Schedule.cosineDecay(0.05, steps: 20)
    try withSeed(42) {
      let whole = try Small(seed: 1)
      let first = try Optimizer(whole, rule, schedule: schedule)
      for _ in 0..<12 { try step(whole, first) }

      setSeed(42)
      let begun = try Small(seed: 1)
      let second = try Optimizer(begun, rule, schedule: schedule)
      for _ in 0..<5 { try step(begun, second) }
      try Checkpoint.save(begun, second, notes: ["batch": "5"], to: path)

      setSeed(7)
      let resumed = try Small(seed: 2)
      let third = try Optimizer(resumed, rule, schedule: schedule)
      let notes = try Checkpoint.load(path, into: resumed, third)
      #expect(notes == ["batch": "5"])
      #expect(third.steps == 5)
      #expect(bits(resumed) == bits(begun))
      for _ in 0..<7 { try step(resumed, third) }
      #expect(bits(resumed) == bits(whole), "\(rule.name)")
    }
  }

  @Test func weightsAlone() throws {
    let path = file("weights")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (a, b) = (try Small(seed: 1), try Small(seed: 2))
    try a.save(path)
    #expect(bits(a) != bits(b))
    try b.load(path)
    #expect(bits(a) == bits(b))
  }

  /// All that does not fit is said at once, and nothing is changed.
  @Test func mistakes() throws {
    let path = file("mistakes")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = try Small(seed: 1)
    try Two(Tensor([1] as [Float]), Tensor([2] as [Float])).save(path)
    let before = bits(model)
    do {
      try model.load(path)
      Issue.record("tensors of another model were taken")
    } catch let error as EngineError {
      #expect(error.code == .invalidModel)
      for part in ["'weight' is missing", "'bias' is missing", "the model has no 'a'"] {
        #expect(error.message.contains(part))
      }
      #expect(error.subject.file == path)
    }
    #expect(bits(model) == before)
    let optimizer = try Optimizer(model, .keras.adam())
    let none = #expect(throws: EngineError.self) {
      try Checkpoint.load(path, into: model, optimizer)
    }
    #expect(none?.code == .malformed)
    try Checkpoint.save(model, optimizer, to: path)
    let other = #expect(throws: EngineError.self) {
      try Checkpoint.load(path, into: model, Optimizer(model, .keras.sgd()))
    }
    #expect(other?.code == .usage)
  }
}
