import Tensors
import Testing

@testable import Kernels

/// Updates of optimisers: every instruction set against plain C, and against formulas.
@Suite struct StepKernelTests {
  /// Coefficients that are fit for every rule.
  private let coefficients: InlineArray<12, Double> = [
    0.99, 0.01, 0.9, 0.1, 0.95, 0.05, 0.01, 0.02, 1.1, 0.3, 0, 0,
  ]

  private func numbers<T: BinaryFloatingPoint>(_ count: Int, _ seed: Int, _: T.Type) -> [T] {
    (0..<count).map { T(($0 * 37 + seed * 11) % 101) / 50 - 0.7 }
  }

  private func run<T: BinaryFloatingPoint & Element>(
    _ rule: StepRule, _ isa: KernelISA, _ count: Int, _: T.Type, threads: Int = 1
  ) throws -> [[T]] {
    let kernel = try #require(StepKernel(rule, T.dtype, isa: isa))
    let w = try Tensor(numbers(count, 1, T.self))
    let g = try Tensor(numbers(count, 2, T.self))
    let out = try FlatBlock(T.dtype, count: count)
    // Sums of squares are not negative.
    let states = try (0..<3).map { s in
      let block = try FlatBlock(T.dtype, count: count)
      block.copy(try Tensor(numbers(count, 3 + s, T.self).map { abs($0) + T(s) / 4 }), to: 0)
      return block
    }
    kernel.run(
      count: count, parameters: w.storage.bytes, gradients: g.storage.bytes,
      result: out.address(0), states: states.map { $0.address(0) }, coefficients: coefficients,
      ThreadPool(threads: threads))
    return ([out] + states).map { Array($0.tensor([count], from: 0).elements(T.self)) }
  }

  @Test(arguments: StepRule.allCases) func instructionSetsAgree(rule: StepRule) throws {
    for count in [1, 2, 7, 8, 15, 16, 17, 33, 100] {
      let plain = try run(rule, .scalar, count, Float.self)
      let double = try run(rule, .scalar, count, Double.self)
      for isa in KernelISA.available {
        for (a, b) in zip(plain, try run(rule, isa, count, Float.self)) {
          for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-5 * max(1, abs(x))) }
        }
        for (a, b) in zip(double, try run(rule, isa, count, Double.self)) {
          for (x, y) in zip(a, b) { #expect(abs(x - y) <= 1e-13 * max(1, abs(x))) }
        }
      }
    }
  }

  /// The same bits for any number of threads.
  @Test(arguments: StepRule.allCases) func threadsAgree(rule: StepRule) throws {
    let one = try run(rule, .best, 50_000, Float.self)
    for threads in 2...3 {
      #expect(try run(rule, .best, 50_000, Float.self, threads: threads) == one)
    }
  }

  /// Adam by its formula.
  @Test func adamIsAdam() throws {
    let a = coefficients
    let results = try run(.adam, .best, 20, Double.self)
    for i in 0..<20 {
      let w = numbers(20, 1, Double.self)[i]
      let g = numbers(20, 2, Double.self)[i] + a[1] * w
      let m = a[2] * abs(numbers(20, 3, Double.self)[i]) + a[3] * g
      let v = a[4] * (abs(numbers(20, 4, Double.self)[i]) + 0.25) + a[5] * g * g
      let new = a[0] * w - (a[6] * m + a[7] * g) / (a[8] * v.squareRoot() + a[9])
      #expect(abs(results[0][i] - new) < 1e-14)
      #expect(abs(results[1][i] - m) < 1e-14)
      #expect(abs(results[2][i] - v) < 1e-14)
    }
  }

  /// NaN in a gradient stays visible.
  @Test func signsKeepNaN() throws {
    let kernel = try #require(StepKernel(.lion, .float32))
    let w = try Tensor([1, 1, 1] as [Float])
    let g = try Tensor([.nan, 0, 2] as [Float])
    let out = try FlatBlock(.float32, count: 3)
    let state = try FlatBlock(.float32, count: 3)
    kernel.run(
      count: 3, parameters: w.storage.bytes, gradients: g.storage.bytes, result: out.address(0),
      states: [state.address(0)], coefficients: [1, 0, 0.9, 0.99, 0.5, 0, 0, 0, 0, 0, 0, 0], .single
    )
    let new = Array(out.tensor([3], from: 0).elements(Float.self))
    #expect(new[0].isNaN)
    #expect(new[1...] == [1, 0.5])
  }
}
