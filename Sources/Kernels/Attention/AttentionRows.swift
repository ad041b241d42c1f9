import CKernels

/// Attention's steps between its two products, in the forms of each instruction set; float32.
enum AttentionRows {
  /// Which of the forms serves `isa`.
  private static func form(_ isa: InstructionSet) -> Int {
    #if arch(x86_64)
      if isa >= .avx512 { return 2 }
      if isa >= .avx2 { return 1 }
    #endif
    return 0
  }

  private static let softmaxForms = [
    dl_attention_softmax_f32__scalar, dl_attention_softmax_f32__avx2,
    dl_attention_softmax_f32__avx512,
  ]
  private static let scaleForms = [
    dl_scale_rows_f32__scalar, dl_scale_rows_f32__avx2, dl_scale_rows_f32__avx512,
  ]
  private static let dotForms = [
    dl_attention_dots_f32__scalar, dl_attention_dots_f32__avx2, dl_attention_dots_f32__avx512,
  ]
  private static let sumForms = [
    dl_attention_sum_f32__scalar, dl_attention_sum_f32__avx2, dl_attention_sum_f32__avx512,
  ]

  /// Exponentials of masked scores, and the inverse of each row's sum: see `attention.h`.
  static func softmax(_ isa: InstructionSet, _ rows: inout dl_attention_rows) {
    softmaxForms[form(isa)](&rows)
  }

  /// Rows of `x` times an element of `factors` each, or all times `factor`.
  static func scale(
    _ isa: InstructionSet, rows: Int, columns: Int, _ x: UnsafePointer<Float>, _ xRow: Int,
    by factors: UnsafePointer<Float>?, _ factor: Float, into y: UnsafeMutablePointer<Float>,
    _ yRow: Int
  ) {
    scaleForms[form(isa)](rows, columns, x, xRow, factors, factor, y, yRow)
  }

  /// `scores[t] = scale * q . key[t]`.
  static func dots(
    _ isa: InstructionSet, keys: Int, size: Int, _ q: UnsafePointer<Float>,
    _ k: UnsafePointer<Float>, _ row: Int, scale: Float, into scores: UnsafeMutablePointer<Float>
  ) {
    dotForms[form(isa)](keys, size, q, k, row, scale, scores)
  }

  /// `y = factor * sum of p[t] value[t]`.
  static func sum(
    _ isa: InstructionSet, keys: Int, size: Int, _ p: UnsafePointer<Float>,
    _ v: UnsafePointer<Float>, _ row: Int, factor: Float, into y: UnsafeMutablePointer<Float>
  ) {
    sumForms[form(isa)](keys, size, p, v, row, factor, y)
  }
}
