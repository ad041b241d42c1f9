import CKernels

extension dl_gemm_epilogue {
  /// The last step of a sum in one depth, its memory not yet named.
  init(_ e: GemmPlan.Epilogue, _ post: GemmPost? = nil) {
    let clips = e.low > -.infinity || e.high < .infinity
    let isBias = e.beta == 0 || (e.beta == 1 && e.addend == GemmPlan.Layout(row: 0, column: 1))
    self.init(
      alpha: e.alpha, beta: e.beta, low: e.low, high: e.high, addend: nil,
      addend_row: e.addend.row, addend_column: e.addend.column, function: post?.function?.function,
      parameters: nil, residual: nil, residual_row: post?.residualRow ?? 0, next: nil,
      next_step: 0, accumulate: 0, final: 1, clip: clips ? 1 : 0,
      plain: e.alpha == 1 && isBias && post?.function == nil ? 1 : 0,
      far: 0)
  }
}
