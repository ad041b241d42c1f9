import CKernels

/// A product with short sums and few columns, as of points with three coordinates: the right factor
/// stays in registers while the rows pass by.
struct GemmThin: Sendable {
  private typealias Function =
    @convention(c) (
      Int, Int, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?, Int,
      UnsafeMutablePointer<Float>?, Int, UnsafePointer<Float>?, UnsafePointer<dl_gemm_epilogue>?
    ) -> Void

  private let function: Function
  /// Distance of the rows of B.
  private let step: Int
  private let pieces: Int

  /// - `b`: distance of B's rows, whose elements are neighbours; nil where there is none.
  ///
  /// Nil where another way serves, or serves better.
  init?(
    m: Int, n: Int, k: Int, a: GemmPlan.Layout, b: Int?, epilogue e: GemmPlan.Epilogue,
    threads: Int, isa: InstructionSet
  ) {
    guard let b, m > 64, n > 1, a.column == 1, e.alpha == 1,
      e.beta == 0 || (e.beta == 1 && e.addend == GemmPlan.Layout(row: 0, column: 1))
    else { return nil }
    #if arch(x86_64)
      // AVX2 has half as many registers of half the width.
      if isa >= .avx512, 1...8 ~= k, n <= 64 {
        function = dl_gemm_f32_thin__avx512
      } else if isa >= .avx2, isa < .avx512, 1...4 ~= k, n <= 16 {
        function = dl_gemm_f32_thin__avx2
      } else {
        return nil
      }
    #else
      return nil
    #endif
    step = b
    pieces = threads > 1 && m * (n + k) >= 32_768 ? min(threads * 4, m / 256 + 1) : 1
  }

  func run(
    _ plan: GemmPlan, a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    bias: UnsafeRawPointer?, pool: ThreadPool
  ) {
    let a = a.assumingMemoryBound(to: Float.self)
    let b = b.assumingMemoryBound(to: Float.self)
    let c = c.assumingMemoryBound(to: Float.self)
    let bias = plan.epilogue.beta == 0 ? nil : bias?.assumingMemoryBound(to: Float.self)
    pool.run(pieces) { piece in
      let (first, end) = (piece * plan.m / pieces, (piece + 1) * plan.m / pieces)
      var e = dl_gemm_epilogue(plan.epilogue)
      function(
        end - first, plan.n, plan.k, a + first * plan.a.row, plan.a.row, b, step,
        c + first * plan.c, plan.c, bias, &e)
    }
  }
}
