import Kernels
import Tensors
import Testing

/// The best of rows of float32 against sorting them, ties, zeros and what is no number among them.
@Suite struct TopKRowsTests {
  private func numbers(_ count: Int, seed: Int) -> [Float] {
    (0..<count).map { i in
      let v = (i * 7919 + seed * 104_729) % 97
      return v == 0
        ? .nan
        : v == 1
          ? .infinity
          : v == 2
            ? -.infinity
            : v == 3
              ? -0.0
              : v == 4 ? 0 : Float(v % 41) - 20
    }
  }

  @Test(arguments: [true, false]) func equalsSorting(isLargest: Bool) {
    for (rows, n) in [(1, 1), (3, 5), (2, 16), (7, 33), (2, 300), (1, 5000)] {
      for k in [1, 2, 5, 16, 32, 33, 100, n] where k <= n {
        let x = numbers(rows * n, seed: n + k)
        var values = [Float](repeating: 9, count: rows * k)
        var indices = [Int64](repeating: -1, count: rows * k)
        TopKKernel.run(
          .float32, x, outer: rows, n: n, inner: 1, k: k, isLargest: isLargest, values: &values,
          indices: &indices, pool: .single)
        for r in 0..<rows {
          let row = Array(x[r * n..<(r + 1) * n])
          let order = row.indices.sorted { a, b in
            let (v, w) = (row[a], row[b])
            if v.isNaN || w.isNaN { return v.isNaN && w.isNaN ? a < b : v.isNaN == isLargest }
            return v == w ? a < b : isLargest ? v > w : v < w
          }
          for i in 0..<k {
            #expect(indices[r * k + i] == Int64(order[i]), "\(n) \(k) \(i)")
            #expect(values[r * k + i].bitPattern == row[order[i]].bitPattern)
          }
        }
      }
    }
  }
}
