import Kernels
import Tensors
import Testing

/// Products of few rows with a packed factor.
@Suite struct GemmRowsTests {
  /// `m` rows by one plan, and each row by a plan of its own.
  private func product(
    _ m: Int, _ n: Int, _ k: Int, clips: Bool, isa: InstructionSet, threads: Int = 1,
    rows: Range<Int>
  ) throws -> [Float] {
    let a = try #require(GuardedMemory(bytes: rows.count * k * 4))
    let c = try #require(GuardedMemory(bytes: rows.count * n * 4))
    let bias = try #require(GuardedMemory(bytes: n * 4))
    let (pa, pc, pd) = (
      a.start.assumingMemoryBound(to: Float.self), c.start.assumingMemoryBound(to: Float.self),
      bias.start.assumingMemoryBound(to: Float.self)
    )
    let values = RecurrentCase.values(m * k, 1)
    for i in 0..<rows.count * k { pa[i] = values[rows.lowerBound * k + i] }
    for (i, v) in RecurrentCase.values(n, 2).enumerated() { pd[i] = v }
    var epilogue = GemmPlan.Epilogue.biasPerColumn
    if clips { epilogue.low = 0 }
    let b = RecurrentCase.values(n * k, 3)
    let packed = try b.withUnsafeBytes {
      try PackedMatrix(
        .right, count: n, k: k, from: $0.baseAddress ?? UnsafeRawPointer(a.start), across: 1,
        along: n, isa: isa)
    }
    let plan = GemmPlan(
      m: rows.count, n: n, k: k, packedB: packed, epilogue: epilogue, threads: threads, isa: isa)
    let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
    plan.run(
      a: a.start, b: a.start, c: c.start, addend: bias.start, scratch: scratch.start,
      pool: ThreadPool(threads: threads))
    return (0..<rows.count * n).map { pc[$0] }
  }

  @Test(arguments: GemmTests.sets) func sumsAreRight(_ isa: InstructionSet) throws {
    for m in [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 20] {
      for n in [1, 2, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 113, 128, 131] {
        for k in [1, 2, 30, 64] {
          let found = try product(m, n, k, clips: m % 2 == 0, isa: isa, rows: 0..<m)
          let (a, b) = (RecurrentCase.values(m * k, 1), RecurrentCase.values(n * k, 3))
          let bias = RecurrentCase.values(n, 2)
          for i in 0..<m {
            for j in 0..<n {
              var sum = Double(bias[j])
              for q in 0..<k { sum += Double(a[i * k + q]) * Double(b[q * n + j]) }
              if m % 2 == 0 { sum = max(0, sum) }
              #expect((Double(found[i * n + j]) - sum).magnitude <= 1e-5)
            }
          }
        }
      }
    }
  }

  @Test(arguments: GemmTests.sets) func rowAloneHasTheBitsItHasInABatch(
    _ isa: InstructionSet
  ) throws {
    // The scalar tile has no such kernel.
    guard isa >= .avx2 else { return }
    for m in [2, 5, 7, 40, 70] {
      let whole = try product(m, 50, 33, clips: false, isa: isa, rows: 0..<m)
      for row in [0, m / 2, m - 1] {
        let alone = try product(m, 50, 33, clips: false, isa: isa, rows: row..<row + 1)
        #expect(Array(whole[row * 50..<(row + 1) * 50]) == alone)
      }
    }
  }

  @Test func threadsDoNotChangeBits() throws {
    let one = try product(6, 500, 400, clips: true, isa: .current, rows: 0..<6)
    #expect(try product(6, 500, 400, clips: true, isa: .current, threads: 3, rows: 0..<6) == one)
  }
}
