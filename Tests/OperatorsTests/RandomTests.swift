import Graphs
import Kernels
import Tensors
import Testing

@testable import Operators

@Suite struct RandomTests {
  private func run(
    _ op: any Operator, _ inputs: [Tensor] = [], threads: Int = 1
  ) throws -> Tensor {
    let eager = Eager(pool: ThreadPool(threads: threads), options: .init(threads: threads))
    let values = try eager.evaluate(op, inputs.map { .tensor($0) }, outputs: 1, runner: nil)
    return try #require(values[0]).asTensor()
  }

  /// The published answers of Philox4x32-10 for counter and key 0.
  @Test func philoxAnswers() {
    let words = Philox(seed: 0).words(0)
    #expect(words.0 == 0x6627_E8D5 && words.1 == 0xE169_C58D)
    #expect(words.2 == 0xBC57_AC4C && words.3 == 0x9B00_DBD8)
  }

  @Test func seedsRepeat() throws {
    let a = try run(RandomNormal(shape: [10_000], seed: 3)).values(as: Float.self)
    #expect(try run(RandomNormal(shape: [10_000], seed: 3), threads: 3).values(as: Float.self) == a)
    #expect(try run(RandomNormal(shape: [10_000], seed: 4)).values(as: Float.self) != a)
    let free = try run(RandomUniform(shape: [8])).values(as: Float.self)
    #expect(try run(RandomUniform(shape: [8])).values(as: Float.self) != free)
  }

  @Test func momentsAreRight() throws {
    let n = 40_000
    let normal = try run(RandomNormal(shape: [n], dtype: .float64, mean: 2, scale: 3, seed: 1))
      .values(as: Double.self)
    let mean = normal.reduce(0, +) / Double(n)
    let variance = normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
    #expect(abs(mean - 2) <= 0.06 && abs(variance - 9) <= 0.3)
    let uniform = try run(RandomUniform(shape: [n], low: -1, high: 3, seed: 1))
      .values(as: Float.self)
    #expect(uniform.allSatisfy { $0 >= -1 && $0 <= 3 })
    #expect(abs(uniform.reduce(0, +) / Float(n) - 1) <= 0.03)
  }

  @Test func bernoulliAndMultinomial() throws {
    let p = try Tensor(Array(repeating: 0.25 as Float, count: 20_000))
    let ones = try run(Bernoulli(dtype: .int32, seed: 1), [p]).values(as: Int32.self)
    #expect(abs(ones.reduce(0, +) - 5000) <= 250)
    #expect(throws: EngineError.self) { try run(Bernoulli(), [Tensor([1.5 as Float])]) }
    #expect(throws: EngineError.self) { try run(Bernoulli(), [Tensor([Float.nan])]) }
    // exp gives 1 : 3 : 0.
    let logits = try Tensor(shape: [1, 3], [0, 1.0986123, -Float.infinity])
    let drawn = try run(Multinomial(samples: 20_000, dtype: .int64, seed: 1), [logits])
      .values(as: Int64.self)
    #expect(drawn.allSatisfy { $0 == 0 || $0 == 1 })
    #expect(abs(drawn.reduce(0, +) - 15_000) <= 250)
    #expect(throws: EngineError.self) { try run(RandomNormal(shape: [-1])) }
    #expect(throws: EngineError.self) { try run(RandomNormal(shape: [2], dtype: .int8)) }
  }
}
