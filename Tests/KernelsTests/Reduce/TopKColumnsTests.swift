import Kernels
import Tensors
import Testing

/// The best of columns of float32, sixteen at once, against the heap, which float64 has.
@Suite struct TopKColumnsTests {
  @Test(arguments: [true, false]) func equalsTheHeap(isLargest: Bool) {
    for (outer, n, inner) in [(2, 7, 3), (1, 100, 16), (2, 333, 21), (1, 40, 64)] {
      for k in [1, 2, 10, 32, 33] where k <= n {
        let x = (0..<outer * n * inner).map { i -> Float in
          let v = i * 7919 % 197
          return v < 4 ? [Float.nan, .infinity, -.infinity, -0.0][v] : Float(v % 61) - 30
        }
        let count = outer * k * inner
        var (wide, narrow) = (
          [Double](repeating: 9, count: count), [Float](repeating: 9, count: count)
        )
        var (want, got) = (
          [Int64](repeating: -1, count: count), [Int64](repeating: -1, count: count)
        )
        TopKKernel.run(
          .float64, x.map(Double.init), outer: outer, n: n, inner: inner, k: k,
          isLargest: isLargest, values: &wide, indices: &want, pool: .single)
        TopKKernel.run(
          .float32, x, outer: outer, n: n, inner: inner, k: k, isLargest: isLargest,
          values: &narrow, indices: &got, pool: .single)
        #expect(got == want, "\(outer) \(n) \(inner) \(k)")
        #expect(zip(narrow, wide).allSatisfy { Double($0) == $1 || $0.isNaN && $1.isNaN })
      }
    }
  }
}
