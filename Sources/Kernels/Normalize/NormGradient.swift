import CKernels
import Tensors

private let normRowsBack = [
  dl_norm_rows_back_f32__scalar, dl_norm_rows_back_f32__avx2, dl_norm_rows_back_f32__avx512,
][Int(LaneSet.best.rawValue)]

/// The gradients of normalising rows, or channels, of float32 or float64.
///
/// With `z = (x - mean) * inverse` and `g = dy * gain`: `dx = inverse * (g - mean(g) -
/// z * mean(g * z))`, where the second term is left out without centring. Moments are taken anew.
/// Rows and channels are spread over threads, and so are the columns over which gains are summed;
/// every sum has one order.
public struct NormGradient: Sendable {
  public enum Form: Sendable {
    /// `[rows, n]` with a gain for each column.
    case rows(centers: Bool)
    /// `[batch, channels, n]` with a gain for each channel.
    case channels(batch: Int)
  }
  private let form: Form
  /// Rows, or channels.
  private let count: Int
  private let n: Int
  private let epsilon: Double
  private let pieces: Int
  /// Stretches of float32 rows whose sums over columns are kept apart and then added in order: the
  /// same for any number of threads.
  private let stretches: Int

  public init(_ form: Form, count: Int, n: Int, epsilon: Double, threads: Int) {
    self.form = form
    self.count = count
    self.n = n
    self.epsilon = epsilon
    pieces = max(1, min(count, threads > 1 ? threads * 4 : 1))
    stretches = max(1, min(64, (count + 15) / 16))
  }

  /// Mean and inverse of each row, two rows to work in for each piece, a row of ones; two rows for
  /// each stretch of float32 rows.
  public func scratchBytes(_ dtype: DType) -> Int {
    if dtype == .float32, case .rows = form { return 2 * stretches * n * 4 }
    return (2 * count + (2 * pieces + 1) * n) * dtype.byteSize
  }

  /// - `dGain`, `dShift`: one element a column or channel; nil where unwanted.
  public func run(
    _ dtype: DType, x: UnsafeRawPointer, gain: UnsafeRawPointer, dy: UnsafeRawPointer,
    dx: UnsafeMutableRawPointer?, dGain: UnsafeMutableRawPointer?,
    dShift: UnsafeMutableRawPointer?, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float64 {
      run(Double.self, x, gain, dy, dx, dGain, dShift, scratch, pool)
    } else if case .rows(let centers) = form {
      runRows(
        centers, x.assumingMemoryBound(to: Float.self), gain.assumingMemoryBound(to: Float.self),
        dy.assumingMemoryBound(to: Float.self), dx?.assumingMemoryBound(to: Float.self),
        dGain?.assumingMemoryBound(to: Float.self), dShift?.assumingMemoryBound(to: Float.self),
        scratch.assumingMemoryBound(to: Float.self), pieces > 1 ? pool : .single)
    } else {
      run(Float.self, x, gain, dy, dx, dGain, dShift, scratch, pool)
    }
  }

  private func runRows(
    _ centers: Bool, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>,
    _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>?,
    _ dGain: UnsafeMutablePointer<Float>?, _ dShift: UnsafeMutablePointer<Float>?,
    _ scratch: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    guard n > 0 else { return }
    nonisolated(unsafe) let (x, gain, dy, dx, scratch) = (x, gain, dy, dx, scratch)
    let (wantsGain, wantsShift) = (dGain != nil, dShift != nil)
    pool.run(stretches) { i in
      let first = i * count / stretches
      var k = dl_norm_rows(
        rows: (i + 1) * count / stretches - first, n: n, epsilon: epsilon,
        centers: centers ? 1 : 0)
      let at = first * n
      normRowsBack(
        &k, x + at, gain, dy + at, dx.map { $0 + at },
        wantsGain ? scratch + 2 * i * n : nil, wantsShift ? scratch + (2 * i + 1) * n : nil)
    }
    for (result, place) in [(dGain, 0), (dShift, 1)] {
      guard let result else { continue }
      for j in 0..<n { result[j] = scratch[place * n + j] }
      for i in 1..<max(1, stretches) {
        let part = scratch + (2 * i + place) * n
        for j in 0..<n { result[j] += part[j] }
      }
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ gain: UnsafeRawPointer, _ dy: UnsafeRawPointer,
    _ dx: UnsafeMutableRawPointer?, _ dGain: UnsafeMutableRawPointer?,
    _ dShift: UnsafeMutableRawPointer?, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let m = Memory<T>(
      x: x.assumingMemoryBound(to: T.self), gain: gain.assumingMemoryBound(to: T.self),
      dy: dy.assumingMemoryBound(to: T.self), dx: dx?.assumingMemoryBound(to: T.self),
      dGain: dGain?.assumingMemoryBound(to: T.self),
      dShift: dShift?.assumingMemoryBound(to: T.self),
      moments: scratch.assumingMemoryBound(to: T.self))
    let work = m.moments + 2 * count
    let ones = work + 2 * pieces * n
    for i in 0..<n { ones[i] = 1 }
    pool.run(pieces) { piece in
      let own = work + piece * 2 * n
      for i in (piece * count / pieces)..<((piece + 1) * count / pieces) {
        switch form {
        case .rows(let centers): row(m, i, centers, own, own + n, ones)
        case .channels(let batch): channel(m, i, batch)
        }
      }
    }
    guard case .rows(let centers) = form, m.dGain != nil || m.dShift != nil else { return }
    let blocks = max(1, min(pieces, (n + 15) / 16))
    pool.run(blocks) { block in
      columns(m, centers, block * n / blocks, (block + 1) * n / blocks)
    }
  }

  private struct Memory<T: RowReal> {
    let x: UnsafePointer<T>
    let gain: UnsafePointer<T>
    let dy: UnsafePointer<T>
    let dx: UnsafeMutablePointer<T>?
    let dGain: UnsafeMutablePointer<T>?
    let dShift: UnsafeMutablePointer<T>?
    let moments: UnsafeMutablePointer<T>
  }

  private func dot<T: RowReal>(
    _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, into sum: inout T
  ) { T.dots(1, 1, n, a, n, b, n, into: &sum, 1, adds: true) }

  private func row<T: RowReal>(
    _ m: Memory<T>, _ i: Int, _ centers: Bool, _ g: UnsafeMutablePointer<T>,
    _ z: UnsafeMutablePointer<T>, _ ones: UnsafePointer<T>
  ) {
    let (x, dy) = (m.x + i * n, m.dy + i * n)
    var (mean, variance): (T, T) = (0, T.sumOfSquares(x, n) / T(n))
    if centers { (mean, variance) = T.moments(x, n) }
    let inverse = 1 / (variance + T(epsilon)).squareRoot()
    m.moments[2 * i] = mean
    m.moments[2 * i + 1] = inverse
    guard let dx = m.dx.map({ $0 + i * n }) else { return }
    for j in 0..<n { g[j] = dy[j] * m.gain[j] }
    T.affine(x, n, shift: mean, scale: inverse, bias: 0, into: z)
    var (sum, product): (T, T) = (0, 0)
    if centers { dot(g, ones, into: &sum) }
    dot(g, z, into: &product)
    let (a, b) = (sum / T(n), product / T(n))
    for j in 0..<n { dx[j] = inverse * (g[j] - a - z[j] * b) }
  }

  private func columns<T: RowReal>(_ m: Memory<T>, _ centers: Bool, _ first: Int, _ end: Int) {
    if let d = m.dGain { for j in first..<end { d[j] = 0 } }
    if let d = m.dShift { for j in first..<end { d[j] = 0 } }
    for i in 0..<count {
      let (x, dy) = (m.x + i * n, m.dy + i * n)
      let (mean, inverse) = (m.moments[2 * i], m.moments[2 * i + 1])
      if let d = m.dGain { for j in first..<end { d[j] += dy[j] * ((x[j] - mean) * inverse) } }
      if let d = m.dShift { for j in first..<end { d[j] += dy[j] } }
    }
  }

  private func channel<T: RowReal>(
    _ m: Memory<T>, _ c: Int, _ batch: Int
  ) {
    func at(_ b: Int) -> Int { (b * count + c) * n }
    let total = Double(batch * n)
    // The mean first, then squares around it.
    var sum = 0.0
    for b in 0..<batch { sum += T.sum(m.x + at(b), n) }
    let mean = T(sum / total)
    var squares = 0.0
    for b in 0..<batch { squares += T.squares(m.x + at(b), n, around: mean) }
    let inverse = 1 / (T(squares / total) + T(epsilon)).squareRoot()
    var (ups, products) = (0.0, 0.0)
    for b in 0..<batch {
      let sums = T.pairedSums(m.x + at(b), m.dy + at(b), n, around: mean)
      ups += sums.sum
      products += sums.product
    }
    let product = T(products) * inverse
    m.dGain?[c] = product
    m.dShift?[c] = T(ups)
    guard let dx = m.dx else { return }
    let factor = m.gain[c] * inverse
    for b in 0..<batch {
      T.normBack(
        m.x + at(b), m.dy + at(b), n, around: mean, ofY: factor,
        ofX: -factor * inverse * product / T(total), constant: -factor * T(ups / total),
        into: dx + at(b))
    }
  }
}
