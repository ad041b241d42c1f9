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

  private static let slopeForms = [
    dl_attention_slopes_f32__scalar, dl_attention_slopes_f32__avx2,
    dl_attention_slopes_f32__avx512,
  ]

  /// The softmax of `rows` rows of `n` scores in place, where row r sees the first
  /// `high + r * step` keys, and 0 for the others. `inverse`: memory for an element a row.
  static func weights(
    _ isa: InstructionSet, rows: Int, n: Int, seen high: Int, step: Int,
    _ scores: UnsafeMutablePointer<Float>, inverse: UnsafeMutablePointer<Float>
  ) {
    var a = dl_attention_rows(
      scores: scores, rows: rows, n: n, distance: n, low: 0, low_step: 0, high: high,
      high_step: step, mask: nil, mask_row: 0, bits: nil, bits_row: 0, extra: nil, extra_row: 0,
      inverse: inverse)
    softmax(isa, &a)
    scale(isa, rows: rows, columns: n, scores, n, by: inverse, 1, into: scores, n)
  }

  /// The gradients by scores, in place of those by weights: see `attention.h`.
  static func slopes(
    _ isa: InstructionSet, rows: Int, n: Int, seen high: Int, step: Int,
    _ weights: UnsafePointer<Float>, _ d: UnsafeMutablePointer<Float>, scale: Float
  ) {
    slopeForms[form(isa)](rows, n, high, step, weights, d, scale)
  }

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
