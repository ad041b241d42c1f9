import CKernels

/// A product of few rows with a packed factor, by a kernel that reads the rows where they lie:
/// nothing is packed, and a row takes a tenth of a microsecond where the factor is small.
struct GemmRows: Sendable {
  typealias Function =
    @convention(c) (
      Int, Int, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int, UnsafePointer<Float>?, UnsafePointer<dl_gemm_epilogue>?
    ) -> Void

  let function: Function
  /// Columns of a panel.
  let nr: Int
  private let pieces: Int

  /// Nil where another way serves, or serves better.
  init?(
    m: Int, n: Int, k: Int, a: GemmPlan.Layout, epilogue e: GemmPlan.Epilogue, nr: Int,
    threads: Int, isa: InstructionSet
  ) {
    // Rows are taken six at a time, and the factor is read again for each six; beyond the first-level
    // cache, where it may come from afar, tiles fetch a panel of it while they compute another.
    let most = m <= 6 ? 1 << 18 : m < 16 ? 1 << 16 : 1 << 13
    guard a.column == 1, k > 0, k <= 2048, m == 1 || (m <= 64 && n * k <= most), e.alpha == 1,
      e.beta == 0 || (e.beta == 1 && e.addend == GemmPlan.Layout(row: 0, column: 1))
    else { return nil }
    #if arch(x86_64)
      if isa >= .avx512, nr == 64 {
        function = dl_gemm_f32_rows__avx512
      } else if isa >= .avx2, isa < .avx512, nr == 16 {
        function = dl_gemm_f32_rows__avx2
      } else {
        return nil
      }
    #else
      return nil
    #endif
    self.nr = nr
    // Less is not worth the hand-over to another thread.
    let isWorth = threads > 1 && Double(m) * Double(n) * Double(k) >= 262_144
    pieces = isWorth ? min((n + nr - 1) / nr, threads * 2) : 1
  }

  func run(
    _ plan: GemmPlan, a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    bias: UnsafeRawPointer?, pool: ThreadPool
  ) {
    let a = a.assumingMemoryBound(to: Float.self)
    let b = b.assumingMemoryBound(to: Float.self)
    let c = c.assumingMemoryBound(to: Float.self)
    let bias = plan.epilogue.beta == 0 ? nil : bias?.assumingMemoryBound(to: Float.self)
    var e = dl_gemm_epilogue(plan.epilogue)
    if pieces == 1 || pool.threads == 1 {
      function(plan.m, plan.n, plan.k, a, plan.a.row, b, c, plan.c, bias, &e)
      return
    }
    let panels = (plan.n + nr - 1) / nr
    pool.run(pieces) { i in
      let (p0, p1) = (i * panels / pieces, (i + 1) * panels / pieces)
      let first = p0 * nr
      var e = dl_gemm_epilogue(plan.epilogue)
      function(
        plan.m, min(p1 * nr, plan.n) - first, plan.k, a, plan.a.row, b + first * plan.k, c + first,
        plan.c, bias.map { $0 + first }, &e)
    }
  }
}
