import Kernels
import Tensors
import Testing

/// Products with weights of few bits against sums in Swift.
@Suite struct NBitsPlanTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  private struct Case {
    let m: Int
    let n: Int
    let k: Int
    var bits = 4
    var block = 32
    var rounds = false
    var hasZeros = true
    var isExact = false
    var threads = 1

    func code(_ j: Int, _ i: Int) -> UInt8 {
      UInt8((j * 37 + i * 11 + i / 7) % (1 << bits))
    }
    func scale(_ j: Int, _ b: Int) -> Float { Float((j * 5 + b * 3) % 9 + 1) * 0.01 }
    func zero(_ j: Int, _ b: Int) -> UInt8 {
      hasZeros ? UInt8((j + b * 3) % (1 << bits)) : UInt8(1 << (bits - 1))
    }
    /// A factor of all numbers, or of the last one alone.
    var factor: Float = 1
    var isLastAlone = false
    func x(_ i: Int, _ q: Int) -> Float {
      let x = Float((i * 31 + q * 17) % 101) / 50 - 1
      return !isLastAlone || (i == m - 1 && q == k - 1) ? x * factor : x
    }
    func bias(_ j: Int) -> Float { factor < 1 ? 0 : Float(j % 4) * 0.25 }

    func run(_ isa: InstructionSet) throws -> [Float] {
      let weights = try PackedNBits(n: n, k: k, block: block, bits: bits, code: code)
      let scales = try nbitsPanels(
        .float32, n: n, k: k, block: block, space: .fresh, fill: 0 as Float, value: scale)
      let zeros =
        hasZeros
        ? try nbitsPanels(
          .uint8, n: n, k: k, block: block, space: .fresh, fill: 0 as UInt8, value: zero) : nil
      let plan = NBitsPlan(
        m: m, weights, scales: scales, zeros: zeros, zero: 1 << (bits - 1), rounds: rounds,
        isExact: isExact, hasBias: true, threads: threads, isa: isa)
      let a = try #require(GuardedMemory(bytes: m * k * 4))
      let y = try #require(GuardedMemory(bytes: m * n * 4))
      let d = try #require(GuardedMemory(bytes: n * 4))
      let scratch = try #require(GuardedMemory(bytes: (plan.scratchBytes + 63) & ~63))
      let (pa, py, pd) = (
        a.start.assumingMemoryBound(to: Float.self), y.start.assumingMemoryBound(to: Float.self),
        d.start.assumingMemoryBound(to: Float.self)
      )
      for i in 0..<m * k { pa[i] = x(i / k, i % k) }
      for j in 0..<n { pd[j] = bias(j) }
      plan.run(pa, bias: pd, py, scratch: scratch.start, pool: ThreadPool(threads: threads))
      return (0..<m * n).map { py[$0] }
    }

    func check(_ isa: InstructionSet, _ tolerance: Double) throws {
      let found = try run(isa)
      for i in 0..<m {
        for j in 0..<n {
          var (sum, size) = (Double(bias(j)), Double(factor))
          for q in 0..<k {
            let w = (Double(code(j, q)) - Double(zero(j, q / block))) * Double(scale(j, q / block))
            sum += Double(x(i, q)) * w
            size += w.magnitude * Double(factor)
          }
          #expect(
            (Double(found[i * n + j]) - sum).magnitude <= tolerance * size, "\(self) \(i) \(j)")
        }
      }
    }
  }

  @Test(arguments: sets) func sumsAreRight(_ isa: InstructionSet) throws {
    for m in [1, 2, 3, 4, 5, 13, 20] {
      for n in [1, 31, 32, 33, 64, 65, 130] {
        for (k, block) in [
          (32, 32), (70, 32), (64, 64), (100, 128), (33, 32), (40, 16), (96, 16), (300, 256),
          (600, 512),
        ] {
          for bits in [2, 4, 8] {
            var c = Case(m: m, n: n, k: k)
            (c.bits, c.block, c.hasZeros) = (bits, block, (m + n) % 2 == 0)
            c.isExact = (k + n) % 3 == 0
            try c.check(isa, 1e-6)
            c.rounds = true
            // Half a step of 127 for each number of a row.
            if n % 3 != 0 { try c.check(isa, 0.5 / 127) }
          }
        }
      }
    }
  }

  /// Tiny and huge numbers keep their digits, and one that is not finite is seen in its row.
  @Test func numbersOfAllSizes() throws {
    for factor: Float in [1e-40, 1e-36, 1e-20, 1e30, 1e36] {
      var c = Case(m: 2, n: 33, k: 70)
      c.factor = factor
      try c.check(.current, factor < 1e-37 ? 1e-3 : 1e-6)
    }
    for factor in [Float.infinity, .nan] {
      var c = Case(m: 2, n: 33, k: 70)
      c.isLastAlone = true
      let finite = try c.run(.current)
      c.factor = factor
      let found = try c.run(.current)
      #expect(found[..<33].elementsEqual(finite[..<33]) { ($0 - $1).magnitude < 1e-4 })
      #expect(found[33...].allSatisfy { !$0.isFinite })
    }
  }

  @Test func threadsDoNotChangeBits() throws {
    for (m, rounds) in [(1, false), (1, true), (30, false)] {
      var c = Case(m: m, n: 1000, k: 512)
      c.rounds = rounds
      let one = try c.run(.current)
      c.threads = 3
      #expect(try c.run(.current) == one)
    }
  }
}
