import Kernels
import Testing

/// Products with a turned left factor against `GemmPlan`, whose bits they have.
@Suite struct TurnedProductTests {
  static let sizes = [
    [65, 128, 300], [128, 65, 300], [100, 70, 513], [600, 24, 129], [128, 512, 768],
    [512, 128, 256], [16, 16, 128], [1030, 64, 140],
  ]

  @Test(arguments: sizes) func sameBitsAsThePlainProduct(s: [Int]) throws {
    let (m, n, k) = (s[0], s[1], s[2])
    let a = try TrainingNumbers(k * m, seed: 1)
    let b = try TrainingNumbers(k * n, seed: 2)
    let plain = GemmPlan(m: m, n: n, k: k, a: .init(row: 1, column: m))
    let want = try TrainingNumbers(m * n, seed: 3)
    let space = try #require(GuardedMemory(bytes: plain.scratchBytes))
    plain.run(a: a.floats, b: b.floats, c: want.floats, scratch: space.start, pool: .single)
    for threads in [1, 2, 3] {
      // No tile for the machine: nothing to compare.
      guard let plan = TurnedProductPlan(m: m, n: n, k: k, threads: threads) else { return }
      let got = try TrainingNumbers(m * n, seed: 4)
      let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
      let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
      plan.run(a: a.floats, b: b.floats, c: got.floats, scratch: scratch.start, pool: pool)
      #expect(got.values == want.values, "\(s), \(threads) threads")
    }
  }

  @Test func shortSumsAreLeftToOthers() {
    #expect(TurnedProductPlan(m: 64, n: 64, k: 64) == nil)
  }
}
