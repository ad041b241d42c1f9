import Tensors

/// The upper triangular `U` with `U' U` the inverse of a positive definite matrix `H`.
///
/// `H = R R'` with `R` upper triangular, found from the last row on; then `U` is the inverse of `R`,
/// since `(R R')^-1 = (R^-1)' R^-1`.
struct InverseFactor {
  let size: Int
  /// `[size, size]`, zeros below the diagonal.
  private(set) var cells: [Double]

  /// Nil where `h`, `[size, size]`, is not positive definite.
  init?(of h: [Double], size n: Int) {
    size = n
    cells = []
    guard h.count == n * n else { return nil }
    var r = h
    for j in stride(from: n - 1, through: 0, by: -1) {
      let pivot = r[j * n + j] - Self.dot(r, j * n + j + 1, j * n + j + 1, n - j - 1)
      guard pivot > 0, pivot.isFinite else { return nil }
      let root = pivot.squareRoot()
      r[j * n + j] = root
      for i in 0..<j {
        let sum = Self.dot(r, i * n + j + 1, j * n + j + 1, n - j - 1)
        r[i * n + j] = (r[i * n + j] - sum) / root
      }
    }
    var u = [Double](repeating: 0, count: n * n)
    for i in stride(from: n - 1, through: 0, by: -1) {
      let diagonal = 1 / r[i * n + i]
      for k in i + 1..<max(i + 1, n) {
        let factor = -r[i * n + k] * diagonal
        if factor == 0 { continue }
        Self.add(&u, i * n + k, k * n + k, factor, n - k)
      }
      u[i * n + i] = diagonal
    }
    cells = u
  }

  subscript(i: Int, j: Int) -> Double { cells[i * size + j] }

  private static func dot(_ x: [Double], _ a: Int, _ b: Int, _ count: Int) -> Double {
    x.withUnsafeBufferPointer { p in
      var lanes = SIMD8<Double>.zero
      var k = 0
      while k + 8 <= count {
        var left = SIMD8<Double>.zero
        var right = left
        for l in 0..<8 {
          left[l] = p[a + k + l]
          right[l] = p[b + k + l]
        }
        lanes += left * right
        k += 8
      }
      var sum = lanes.sum()
      while k < count {
        sum += p[a + k] * p[b + k]
        k += 1
      }
      return sum
    }
  }

  /// Adds `factor` times the cells from `from` on to those from `to` on.
  private static func add(
    _ x: inout [Double], _ to: Int, _ from: Int, _ factor: Double, _ count: Int
  ) {
    x.withUnsafeMutableBufferPointer { p in
      for k in 0..<count { p[to + k] += factor * p[from + k] }
    }
  }
}
