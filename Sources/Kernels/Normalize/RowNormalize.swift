import CKernels
import Tensors

/// Rows brought to zero mean and unit variance, or to unit mean square, then scaled and shifted.
///
/// `y = (x - mean) / sqrt(variance + epsilon) * gain + bias`, the mean left out where `centers` is
/// false. Sums in fixed lanes with float64 totals.
public struct RowNormalize: Sendable {
  private let lanes: LaneSet
  let rows: Int
  let n: Int
  let epsilon: Double
  let centers: Bool
  /// Where the gain and bias of an element lie: `rowAt[row] + columnAt[i]`. Nil: at `i`.
  let gainAt: (row: Table, column: Table)?
  let biasAt: (row: Table, column: Table)?

  public init(
    rows: Int, n: Int, epsilon: Double, centers: Bool, gainAt: (row: Table, column: Table)? = nil,
    biasAt: (row: Table, column: Table)? = nil, lanes: LaneSet = .best
  ) {
    self.lanes = lanes
    self.rows = rows
    self.n = n
    self.epsilon = epsilon
    self.centers = centers
    self.gainAt = gainAt
    self.biasAt = biasAt
  }

  /// `dtype` is float32 or float64; `mean` and `inverse` get one float32 a row where given.
  public func run(
    _ dtype: DType, x: UnsafeRawPointer, gain: UnsafeRawPointer, bias: UnsafeRawPointer?,
    into y: UnsafeMutableRawPointer, mean: UnsafeMutablePointer<Float>?,
    inverse: UnsafeMutablePointer<Float>?, pool: ThreadPool
  ) {
    if dtype == .float32, n > 0, n <= 32, gainAt == nil, biasAt == nil {
      runShort(
        x.assumingMemoryBound(to: Float.self), gain.assumingMemoryBound(to: Float.self),
        bias?.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Float.self), mean,
        inverse, pool)
    } else if dtype == .float32 {
      run(Float.self, x, gain, bias, y, mean, inverse, pool)
    } else {
      run(Double.self, x, gain, bias, y, mean, inverse, pool)
    }
  }

  /// Rows of few elements, many at a time.
  private func runShort(
    _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ mean: UnsafeMutablePointer<Float>?,
    _ inverse: UnsafeMutablePointer<Float>?, _ pool: ThreadPool
  ) {
    let kernel =
      lanes == .avx512
      ? dl_norm_short_f32__avx512
      : lanes == .avx2 ? dl_norm_short_f32__avx2 : dl_norm_short_f32__scalar
    let each = max(64, 8192 / n / 64 * 64)
    pool.run((rows + each - 1) / each) { piece in
      let first = piece * each
      var k = dl_norm_rows(
        rows: min(each, rows - first), n: n, epsilon: epsilon, centers: centers ? 1 : 0)
      kernel(
        &k, x + first * n, gain, bias, y + first * n, mean.map { $0 + first },
        inverse.map { $0 + first })
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ gain: UnsafeRawPointer, _ bias: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer, _ mean: UnsafeMutablePointer<Float>?,
    _ inverse: UnsafeMutablePointer<Float>?, _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let gain = gain.assumingMemoryBound(to: T.self)
    let bias = bias?.assumingMemoryBound(to: T.self)
    let each = max(1, 4096 / max(1, n))
    pool.run((rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows, (piece + 1) * each) {
        let row = x + r * n
        let shift: T
        let scale: T
        if centers {
          let m = T.moments(row, n)
          shift = m.mean
          scale = 1 / (m.variance + T(epsilon)).squareRoot()
        } else {
          shift = 0
          scale = 1 / (T.sumOfSquares(row, n) / T(n) + T(epsilon)).squareRoot()
        }
        mean?[r] = Float(shift)
        inverse?[r] = Float(scale)
        if gainAt == nil && biasAt == nil {
          T.affineEach(row, n, shift: shift, scale: scale, gain: gain, bias: bias, into: y + r * n)
          continue
        }
        for i in 0..<n {
          let g = gainAt.map { $0.row[r] + $0.column[i] } ?? i
          var v = (row[i] - shift) * scale * gain[g]
          if let bias { v += bias[biasAt.map { $0.row[r] + $0.column[i] } ?? i] }
          y[r * n + i] = v
        }
      }
    }
  }
}
