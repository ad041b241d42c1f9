import Glibc
import Kernels
import Tensors
import Testing

/// The number types behind `GemmElement`, with exact arithmetic on small whole numbers.
private protocol Number: Element, Numeric, Comparable {
  static var gemm: GemmElement { get }
  init(_ value: Int)
}
extension Float: Number { static var gemm: GemmElement { .float32 } }
extension Double: Number { static var gemm: GemmElement { .float64 } }
extension Int32: Number { static var gemm: GemmElement { .int32 } }
extension Int64: Number { static var gemm: GemmElement { .int64 } }

private struct Setup {
  var m: Int
  var n: Int
  var k: Int
  var transposeA = false
  var transposeB = false
  var packsA = false
  var packsB = false
  var epilogue = GemmPlan.Epilogue()
  var threads = 1
}

@Suite struct GemmTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected && $0 != .avx512vnni }

  /// Runs one product in guarded memory and compares it with the sums written out. Elements are
  /// small whole numbers, so every order of summation gives the same result.
  private func check<T: Number>(_: T.Type, _ s: Setup, _ isa: InstructionSet) throws {
    let size = MemoryLayout<T>.stride
    let (m, n, k) = (s.m, s.n, s.k)
    let a = try #require(GuardedMemory(bytes: m * k * size))
    let b = try #require(GuardedMemory(bytes: k * n * size))
    let c = try #require(GuardedMemory(bytes: m * n * size))
    let extra = s.epilogue.addend
    let addendCount = m == 0 || n == 0 ? 0 : (m - 1) * extra.row + (n - 1) * extra.column + 1
    let d = try #require(GuardedMemory(bytes: addendCount * size))
    let (pa, pb) = (
      a.start.assumingMemoryBound(to: T.self), b.start.assumingMemoryBound(to: T.self)
    )
    let (pc, pd) = (
      c.start.assumingMemoryBound(to: T.self), d.start.assumingMemoryBound(to: T.self)
    )
    for i in 0..<(m * k) { pa[i] = T((i * 7 + 3) % 5 - 2) }
    for i in 0..<(k * n) { pb[i] = T((i * 11 + 1) % 7 - 3) }
    for i in 0..<(m * n) { pc[i] = T(99) }
    for i in 0..<addendCount { pd[i] = T(i % 13 - 6) }
    let la = GemmPlan.Layout(row: s.transposeA ? 1 : k, column: s.transposeA ? m : 1)
    let lb = GemmPlan.Layout(row: s.transposeB ? 1 : n, column: s.transposeB ? k : 1)
    let packedA =
      try s.packsA
      ? PackedMatrix(
        .left, count: m, k: k, element: T.gemm, from: a.start, across: la.row, along: la.column,
        isa: isa) : nil
    let packedB =
      try s.packsB
      ? PackedMatrix(
        .right, count: n, k: k, element: T.gemm, from: b.start, across: lb.column, along: lb.row,
        isa: isa) : nil
    let gemm = GemmPlan(
      m: m, n: n, k: k, element: T.gemm, a: la, b: lb, packedA: packedA, packedB: packedB,
      epilogue: s.epilogue, threads: s.threads, isa: isa)
    let scratch = try #require(GuardedMemory(bytes: gemm.scratchBytes))
    gemm.run(
      a: a.start, b: b.start, c: c.start,
      addend: s.epilogue.beta == 0 ? nil : UnsafeRawPointer(d.start), scratch: scratch.start,
      pool: s.threads == 1 ? .single : ThreadPool(threads: s.threads))
    for i in 0..<m {
      for j in 0..<n {
        var sum = T(0)
        for p in 0..<k { sum += pa[i * la.row + p * la.column] * pb[p * lb.row + j * lb.column] }
        sum *= T(Int(s.epilogue.alpha))
        if s.epilogue.beta != 0 {
          sum += T(Int(s.epilogue.beta)) * pd[i * extra.row + j * extra.column]
        }
        if s.epilogue.low > -.infinity { sum = max(sum, T(Int(s.epilogue.low))) }
        if s.epilogue.high < .infinity { sum = min(sum, T(Int(s.epilogue.high))) }
        guard pc[i * n + j] == sum else {
          Issue.record("\(T.self) \(isa) \(s): [\(i), \(j)] is \(pc[i * n + j]), expected \(sum)")
          return
        }
      }
    }
  }

  @Test(arguments: sets) func everyNumberOfRows(isa: InstructionSet) throws {
    for m in 0...43 {
      for (n, k) in [(1, 3), (17, 5), (33, 18)] {
        try check(Float.self, Setup(m: m, n: n, k: k, packsA: m % 2 == 0, packsB: m % 3 == 0), isa)
        try check(Float.self, Setup(m: m, n: n, k: k, transposeA: true, transposeB: true), isa)
      }
    }
  }

  @Test(arguments: sets) func everyNumberOfColumns(isa: InstructionSet) throws {
    for n in 0...97 {
      for m in [1, 2, 5, 15] {
        try check(Float.self, Setup(m: m, n: n, k: 6, packsB: n % 2 == 0), isa)
        try check(Float.self, Setup(m: m, n: n, k: 3, transposeB: n % 2 == 0), isa)
      }
    }
  }

  @Test(arguments: sets) func everyDepth(isa: InstructionSet) throws {
    for k in Array(0...35) + [511, 512, 513, 1030] {
      try check(Float.self, Setup(m: 2, n: 18, k: k, transposeB: k % 2 == 0), isa)
      try check(Float.self, Setup(m: 7, n: 18, k: k, packsA: true, packsB: true), isa)
    }
  }

  @Test(arguments: sets) func otherElements(isa: InstructionSet) throws {
    for (m, n, k) in [
      (1, 1, 1), (9, 1, 47), (1, 1, 5000), (1, 9, 4), (5, 17, 3), (29, 33, 7), (15, 8, 600),
      (3, 4, 0),
    ] {
      for bits in 0..<16 {
        let s = Setup(
          m: m, n: n, k: k, transposeA: bits & 1 > 0, transposeB: bits & 2 > 0,
          packsA: bits & 4 > 0, packsB: bits & 8 > 0)
        try check(Float.self, s, isa)
        try check(Double.self, s, isa)
        try check(Int32.self, s, isa)
        try check(Int64.self, s, isa)
      }
    }
  }

  @Test(arguments: sets) func epilogues(isa: InstructionSet) throws {
    for (row, column) in [(0, 0), (1, 0), (0, 1), (37, 1), (1, 20), (40, 2)] {
      for m in [1, 3, 20] {
        for k in [0, 5, 515] {
          var s = Setup(m: m, n: 37, k: k)
          s.epilogue.alpha = 2
          s.epilogue.beta = 3
          s.epilogue.addend = .init(row: row, column: column)
          s.epilogue.low = -4
          s.epilogue.high = 9
          try check(Float.self, s, isa)
          try check(Double.self, s, isa)
        }
      }
    }
  }

  /// A right factor that is not packed: the first rows of a block keep its panels for the others.
  @Test(arguments: sets) func rowsShareThePanelsThatTheFirstKept(isa: InstructionSet) throws {
    for m in [6, 7, 13, 64, 65, 200] {
      for n in [1, 16, 49, 70, 196] {
        for k in [1, 64, 65, 515, 2100] where m * n * k < 8_000_000 {
          for threads in [1, 3] {
            var s = Setup(m: m, n: n, k: k, transposeA: n == 49, threads: threads)
            s.epilogue.beta = 1
            s.epilogue.addend = .init(row: 0, column: 1)
            s.epilogue.low = -20
            try check(Float.self, s, isa)
          }
        }
      }
    }
  }

  @Test func threadsSplitTheSameSums() throws {
    for (m, n, k) in [(300, 1, 400), (1, 700, 300), (40, 600, 90), (300, 40, 90), (200, 3, 300)] {
      for packs in [false, true] {
        let s = Setup(m: m, n: n, k: k, packsA: packs, packsB: !packs, threads: 3)
        try check(Float.self, s, .current)
      }
    }
  }

  @Test func notANumberPassesTheClip() throws {
    for isa in Self.sets {
      var e = GemmPlan.Epilogue()
      e.low = 0
      e.high = 6
      let gemm = GemmPlan(m: 2, n: 3, k: 1, epilogue: e, isa: isa)
      var c = [Float](repeating: 1, count: 6)
      let scratch = try #require(GuardedMemory(bytes: gemm.scratchBytes))
      gemm.run(
        a: [1, .nan] as [Float], b: [-1, 2, 9] as [Float], c: &c, scratch: scratch.start,
        pool: .single)
      #expect(c[0] == 0 && c[1] == 2 && c[2] == 6)
      #expect(c[3].isNaN && c[4].isNaN && c[5].isNaN)
    }
  }

  @Test func batchesTakeTheirOffsets() throws {
    // Two products of [2, 2] matrices, the second with the factors of the first exchanged.
    let a: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
    for threads in [1, 2] {
      let batch = BatchedGemmPlan(aOffsets: [0, 4], bOffsets: [4, 0], threads: threads) {
        GemmPlan(m: 2, n: 2, k: 2, threads: $0)
      }
      var c = [Float](repeating: 0, count: 8)
      let scratch = try #require(GuardedMemory(bytes: batch.scratchBytes))
      batch.run(a: a, b: a, c: &c, scratch: scratch.start, pool: ThreadPool(threads: threads))
      #expect(c == [19, 22, 43, 50, 23, 34, 31, 46])
    }
  }

  /// Products of `rows` rows of numbers whose sums round, in any place and number.
  private func rounded(
    _ rows: Range<Int>, n: Int, k: Int, packsB: Bool, threads: Int, isa: InstructionSet
  ) throws -> [Float] {
    let a = (0..<40 * k).map { Float(($0 * 7919) % 1009) / 504.5 - 1 }
    let b = (0..<k * n).map { Float(($0 * 6151) % 997) / 498.5 - 1 }
    let bias = (0..<n).map { Float($0) * 0.1 }
    let packed =
      try packsB
      ? b.withUnsafeBytes {
        try PackedMatrix(
          .right, count: n, k: k, from: #require($0.baseAddress), across: 1, along: n, isa: isa)
      } : nil
    let post = try #require(
      GemmPost(.float32, function: UnaryKernel(.geluTanh, .float32), residualRow: k))
    let gemm = GemmPlan(
      m: rows.count, n: n, k: k, packedB: packed, epilogue: .biasPerColumn, post: post,
      threads: threads, isa: isa)
    var c = [Float](repeating: 0, count: rows.count * n)
    let scratch = try #require(GuardedMemory(bytes: gemm.scratchBytes))
    a.withUnsafeBufferPointer { a in
      guard let start = a.baseAddress else { return }
      gemm.run(
        a: start + rows.lowerBound * k, b: b, c: &c, addend: bias,
        residual: start + rows.lowerBound * k, scratch: scratch.start,
        pool: threads == 1 ? .single : ThreadPool(threads: threads))
    }
    return c
  }

  @Test(arguments: sets) func aRowHasTheSameBitsAloneAndAmongOthers(isa: InstructionSet) throws {
    for (n, k) in [(7, 40), (70, 130), (200, 2100)] {
      let all = try rounded(0..<40, n: n, k: k, packsB: true, threads: 1, isa: isa)
      #expect(all == (try rounded(0..<40, n: n, k: k, packsB: false, threads: 3, isa: isa)))
      for rows in [0..<1, 5..<6, 9..<11, 3..<20, 17..<40] {
        for packsB in [false, true] {
          let some = try rounded(rows, n: n, k: k, packsB: packsB, threads: 1, isa: isa)
          #expect(
            some == Array(all[rows.lowerBound * n..<rows.upperBound * n]),
            "rows \(rows) of [\(n), \(k)], packed \(packsB)")
        }
      }
    }
  }

  @Test(arguments: sets) func functionAndResidualFollowTheSums(isa: InstructionSet) throws {
    let (m, k) = (21, 12)
    for n in [1, 10, 12] {
      let c = try rounded(0..<m, n: n, k: k, packsB: true, threads: 1, isa: isa)
      for i in 0..<m {
        for j in 0..<n {
          var v = Double(j) * 0.1
          for p in 0..<k {
            v +=
              (Double((i * k + p) * 7919 % 1009) / 504.5 - 1)
              * (Double((p * n + j) * 6151 % 997) / 498.5 - 1)
          }
          let u = 0.79788456080286535588 * (v + 0.044715 * v * v * v)
          let gelu = v / (1 + exp(-2 * u))
          let right = gelu + Double((i * k + j) * 7919 % 1009) / 504.5 - 1
          #expect(abs(Double(c[i * n + j]) - right) < 3e-6)
        }
      }
    }
  }
}
