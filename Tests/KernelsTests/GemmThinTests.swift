import CKernels
import Kernels
import Tensors
import Testing

/// Products with short sums and few columns: right, and bit for bit those of the plain kernel.
@Suite struct GemmThinTests {
  @Test(arguments: GemmTests.sets) func equalsPlainSums(_ isa: InstructionSet) throws {
    for (m, n) in [(65, 2), (70, 3), (129, 16), (66, 17), (67, 32), (70, 47), (100, 64)] {
      for k in 1...9 {
        for isPacked in [false, true] {
          let (av, bv) = (RecurrentCase.values(m * k, 1), RecurrentCase.values(n * k, 3))
          let bias = RecurrentCase.values(n, 2)
          let a = try #require(GuardedMemory(bytes: m * k * 4))
          let b = try #require(GuardedMemory(bytes: n * k * 4))
          let c = try #require(GuardedMemory(bytes: m * n * 4))
          a.start.assumingMemoryBound(to: Float.self).update(from: av, count: m * k)
          b.start.assumingMemoryBound(to: Float.self).update(from: bv, count: n * k)
          var epilogue = GemmPlan.Epilogue()
          if n % 2 == 0 { epilogue = .biasPerColumn }
          if m % 2 == 0 { epilogue.low = 0 }
          let packed =
            isPacked
            ? try PackedMatrix(.right, count: n, k: k, from: b.start, across: 1, along: n, isa: isa)
            : nil
          for threads in [1, 3] {
            let plan = GemmPlan(
              m: m, n: n, k: k, packedB: packed, epilogue: epilogue, threads: threads, isa: isa)
            let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
            plan.run(
              a: a.start, b: b.start, c: c.start, addend: bias, scratch: scratch.start,
              pool: ThreadPool(threads: threads))
            var wrong = 0
            let got = c.start.assumingMemoryBound(to: Float.self)
            for i in 0..<m {
              for j in 0..<n {
                var sum: Float = 0
                for q in 0..<k {
                  sum =
                    isa >= .avx2
                    ? sum.addingProduct(av[i * k + q], bv[q * n + j])
                    : sum + av[i * k + q] * bv[q * n + j]
                }
                if n % 2 == 0 { sum += bias[j] }
                if m % 2 == 0 { sum = max(0, sum) }
                if abs(got[i * n + j] - sum) > (isa >= .avx2 ? 0 : 1e-5) { wrong += 1 }
              }
            }
            #expect(wrong == 0, "\(isa) \(m) \(n) \(k) \(isPacked) \(plan.label)")
          }
        }
      }
    }
  }

  /// One row times a matrix that the caches do not hold has the bits of its parts.
  @Test(arguments: GemmTests.sets) func wideMatrices(_ isa: InstructionSet) throws {
    let (k, n) = (130, 4200)
    let (a, b) = (RecurrentCase.values(k, 1), RecurrentCase.values(n * k, 3))
    var (whole, part) = ([Float](repeating: 0, count: n), [Float](repeating: 0, count: n))
    let plan = GemmPlan(m: 1, n: n, k: k, isa: isa)
    let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
    plan.run(a: a, b: b, c: &whole, scratch: scratch.start, pool: .single)
    for first in stride(from: 0, to: n, by: 100) {
      let some = GemmPlan(m: 1, n: 100, k: k, b: .init(row: n, column: 1), isa: isa)
      b.withUnsafeBufferPointer { b in
        part.withUnsafeMutableBufferPointer { c in
          guard let b = b.baseAddress, let c = c.baseAddress else { return }
          some.run(a: a, b: b + first, c: c + first, scratch: scratch.start, pool: .single)
        }
      }
    }
    #expect(whole == part)
  }
}
