import CKernels

extension dl_byteproduct_finish {
  /// Makes row and column of a block the first.
  mutating func move(row i: Int, column j: Int) {
    start = start.map { $0 + j }
    row = row.map { $0 + i }
    column = column.map { $0 + j }
    scale = scale.map { $0 + j }
    bias = bias.map { $0 + j }
    let width = residual_kind == 0 ? 4 : 1
    residual = residual.map { $0 + (i * residual_row + j) * width }
    let bytes = output == Int32(dl_byteproduct_codes.rawValue) ? 1 : 4
    y = y.map { $0 + (i * y_row + j) * bytes }
  }

  /// Codes of the product by itself are made and read again at once.
  mutating func setRounding(_ v: ByteProductValues) {
    guard let (at, isSigned) = v.rounding else { return }
    rounds = 1
    (round_low, round_high) = Self.range(at.zero, isSigned)
    round_scale = at.scale
  }

  mutating func setResidual(_ v: ByteProductValues, row: Int) {
    residual_row = row
    switch v.residual {
    case .none: break
    case .floats(let p): residual = p
    case .codes(let p, let at, let isSigned):
      residual = p
      residual_kind = isSigned ? 2 : 1
      residual_scale = at.scale
      residual_zero = at.zero
    }
  }

  mutating func setOutput(_ v: ByteProductValues) {
    switch v.output {
    case .sums: output = Int32(dl_byteproduct_sums.rawValue)
    case .floats: output = Int32(dl_byteproduct_floats.rawValue)
    case .codes(let at, let isSigned, let isSettled):
      output = Int32(dl_byteproduct_codes.rawValue)
      inverse = isSettled ? 1 : 1 / at.scale
      (low, high) = Self.range(at.zero, isSigned)
      zero = at.zero
      is_signed = isSigned ? 1 : 0
    }
  }

  /// The least and the greatest code less the zero point.
  private static func range(_ zero: Int32, _ isSigned: Bool) -> (Float, Float) {
    let low: Int32 = isSigned ? -128 : 0
    return (Float(low &- zero), Float(low &+ 255 &- zero))
  }
}
