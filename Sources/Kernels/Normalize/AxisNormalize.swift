import Tensors

/// Normalisations over slices that need not be contiguous.
public enum AxisNormalize {
  /// `y = x / (sum |x|^p)^(1/p)` along the middle axis of `[outer, n, inner]`; 0 where the norm
  /// is 0. `p` is 1 or 2.
  public static func norm(
    _ dtype: DType, p: Int, _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int,
    into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float32 && inner == 1 {
      normRows(
        p, x.assumingMemoryBound(to: Float.self), outer, n,
        y.assumingMemoryBound(to: Float.self), pool)
    } else if dtype == .float32 {
      norm(Float.self, p, x, outer, n, inner, y, pool)
    } else {
      norm(Double.self, p, x, outer, n, inner, y, pool)
    }
  }

  private static func normRows(
    _ p: Int, _ x: UnsafePointer<Float>, _ rows: Int, _ n: Int, _ y: UnsafeMutablePointer<Float>,
    _ pool: ThreadPool
  ) {
    let fold: Fold = p == 1 ? .sumOfMagnitudes : .sumOfSquares
    let each = max(1, 4096 / max(n, 1))
    pool.run((rows + each - 1) / each) { i in
      for r in i * each..<min(rows, (i + 1) * each) {
        let sum = fold.row(x + r * n, n)
        let norm = p == 1 ? sum : sum.squareRoot()
        // A reciprocal that is no normal number would lose what the quotient keeps.
        let scale = norm == 0 ? 0 : 1 / norm
        if norm == 0 || scale.isNormal {
          Float.affine(x + r * n, n, shift: 0, scale: scale, bias: 0, into: y + r * n)
        } else {
          for j in r * n..<(r + 1) * n { y[j] = x[j] / norm }
        }
      }
    }
  }

  private static func norm<T: Real>(
    _: T.Type, _ p: Int, _ x: UnsafeRawPointer, _ outer: Int, _ n: Int, _ inner: Int,
    _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    pool.run(outer) { o in
      for j in 0..<inner {
        let from = x.assumingMemoryBound(to: T.self) + o * n * inner + j
        let to = y.assumingMemoryBound(to: T.self) + o * n * inner + j
        let norm =
          p == 1
          ? pairwise(from, n, inner) { $0.magnitude }
          : pairwise(from, n, inner) { $0 * $0 }.squareRoot()
        for i in 0..<n { to[i * inner] = norm == 0 ? 0 : from[i * inner] / norm }
      }
    }
  }

  /// `y = (x - mean) / (sqrt(variance) + 1e-9)` over the elements at `kept[i] + folded[...]`, for
  /// each `i`; each place of `folded` begins a run of `run` elements.
  public static func meanVariance(
    _ dtype: DType, _ x: UnsafeRawPointer, kept: Table, folded: Table, run: Int,
    into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float32 {
      meanVariance(Float.self, x, kept, folded, run, y, pool)
    } else {
      meanVariance(Double.self, x, kept, folded, run, y, pool)
    }
  }

  private static func meanVariance<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ kept: Table, _ folded: Table, _ run: Int,
    _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let n = folded.count * run
    pool.run(kept.count) { k in
      let from = x.assumingMemoryBound(to: T.self) + kept[k]
      let to = y.assumingMemoryBound(to: T.self) + kept[k]
      var sum = 0.0
      if run == 1 {
        for i in 0..<n { sum += Double(from[folded[i]]) }
      } else {
        for i in 0..<folded.count { sum += T.sum(from + folded[i], run) }
      }
      let mean = sum / Double(n)
      var squares = 0.0
      if run == 1 {
        for i in 0..<n {
          let d = Double(from[folded[i]]) - mean
          squares += d * d
        }
      } else {
        // Around the nearest number of the type, whose distance from the mean counts n times.
        let center = T(mean)
        for i in 0..<folded.count { squares += T.squares(from + folded[i], run, around: center) }
        let off = mean - Double(center)
        squares = max(0, squares - Double(n) * off * off)
      }
      let scale = 1 / ((squares / Double(n)).squareRoot() + 1e-9)
      if run == 1 {
        for i in 0..<n { to[folded[i]] = T((Double(from[folded[i]]) - mean) * scale) }
      } else {
        for i in 0..<folded.count {
          T.affine(
            from + folded[i], run, shift: T(mean), scale: T(scale), bias: 0, into: to + folded[i])
        }
      }
    }
  }

  /// Local response normalisation of `[batch, channels, size]`:
  /// `y = x / (bias + alpha / window * sum x^2)^beta`, the sum over `window` channels around.
  public static func localResponse(
    _ dtype: DType, _ x: UnsafeRawPointer, batch: Int, channels: Int, size: Int, window: Int,
    alpha: Double, beta: Double, bias: Double, into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if dtype == .float32 {
      local(Float.self, x, batch, channels, size, window, alpha, beta, bias, y, pool)
    } else {
      local(Double.self, x, batch, channels, size, window, alpha, beta, bias, y, pool)
    }
  }

  private static func local<T: Real>(
    _: T.Type, _ x: UnsafeRawPointer, _ batch: Int, _ channels: Int, _ size: Int, _ window: Int,
    _ alpha: Double, _ beta: Double, _ bias: Double, _ y: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    let before = (window - 1) / 2
    let after = window - 1 - before
    let factor = T(alpha / Double(window))
    let (offset, power) = (T(bias), T(beta))
    pool.run(batch * channels) { i in
      let c = i % channels
      let first = c - min(c, before)
      let last = after > channels - 1 - c ? channels - 1 : c + after
      let x = x.assumingMemoryBound(to: T.self)
      let to = y.assumingMemoryBound(to: T.self) + i * size
      for s in 0..<size { to[s] = 0 }
      for other in first...last {
        let row = x + (i - c + other) * size
        for s in 0..<size { to[s] += row[s] * row[s] }
      }
      let own = x + i * size
      if beta == 0.75 {
        // v^0.75 is the product of two roots.
        for s in 0..<size {
          let root = (offset + factor * to[s]).squareRoot()
          to[s] = own[s] / (root * root.squareRoot())
        }
      } else {
        for s in 0..<size { to[s] = own[s] / T.power(offset + factor * to[s], power) }
      }
    }
  }
}
