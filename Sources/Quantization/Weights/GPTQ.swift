import Tensors

/// Rounds weights one row of the summed axis after another and moves each row's error to the rows
/// that are still to come, so that the product's output changes least.
///
/// With `H = X' X` of the calibration inputs, damped by a hundredth of its mean diagonal, and `U' U`
/// its inverse: after row `k` is rounded, row `j > k` becomes `w_j - U[k, j] (w_k - q_k) / U[k, k]`.
/// Rows go in strips of 128, within which errors are passed on at once, and beyond which when the
/// strip is done. Scales of a block are chosen when its first row comes up.
///
/// Source: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate Post-Training Quantization for
/// Generative Pre-trained Transformers", ICLR 2023, algorithm 1, without its order by activations.
enum GPTQ {
  private static let strip = 128
  private static let damping = 0.01

  /// Weights `[K, N]` in blocks; nil where the Hessian cannot be factored.
  static func round(
    _ weights: [Float], k: Int, n: Int, _ hessian: Hessian, bits: Int, block: Int, symmetric: Bool
  ) -> BlockWeights? {
    guard hessian.size == k, weights.count == k * n else { return nil }
    var h = hessian.sums
    var w = weights
    var mean = 0.0
    for i in 0..<k { mean += h[i * k + i] / Double(k) }
    guard mean > 0, mean.isFinite else { return nil }
    for i in 0..<k {
      // An input that was always zero says nothing of its weights.
      if h[i * k + i] == 0 { h[i * k + i] = mean }
      h[i * k + i] += damping * mean
    }
    guard let u = InverseFactor(of: h, size: k) else { return nil }
    var result = BlockWeights(empty: k, n, bits: bits, block: block, symmetric: symmetric)
    var start = 0
    while start < k {
      let end = min(start + strip, k)
      var errors = [Float](repeating: 0, count: (end - start) * n)
      for row in start..<end {
        // Blocks and strips are powers of two, or there is one block: the whole block has heard of
        // all errors so far.
        if row % block == 0 { result.fit(row / block, w) }
        let scale = Float(1 / u[row, row])
        for column in 0..<n {
          let at = row * n + column
          errors[(row - start) * n + column] = (w[at] - result.round(w[at], row, column)) * scale
        }
        pass(errors, row..<row + 1, base: start, to: row + 1..<end, u, &w, n)
      }
      pass(errors, start..<end, to: end..<k, u, &w, n)
      start = end
    }
    return result
  }

  private static func pass(
    _ errors: [Float], _ from: Range<Int>, base: Int? = nil, to rows: Range<Int>,
    _ u: InverseFactor, _ w: inout [Float], _ n: Int
  ) {
    let base = base ?? from.lowerBound
    errors.withUnsafeBufferPointer { e in
      w.withUnsafeMutableBufferPointer { w in
        for j in rows {
          for k in from {
            let factor = Float(u[k, j])
            if factor == 0 { continue }
            let (a, b) = (j * n, (k - base) * n)
            for column in 0..<n { w[a + column] -= factor * e[b + column] }
          }
        }
      }
    }
  }
}
