import Kernels
import Tensors
import Testing

@Suite struct FoldTests {
  /// Columns of float32, several vectors at once, against float64.
  @Test(arguments: LaneSet.available) func foldsColumns(lanes: LaneSet) {
    for (outer, n, inner) in [
      (1, 1, 2), (2, 3, 15), (1, 64, 16), (2, 67, 17), (1, 130, 100), (1, 5, 600), (1, 1030, 33),
    ] {
      for fold in Fold.allCases {
        // Products of many elements stay within range.
        let x = (0..<outer * n * inner).map { i -> Float in
          if fold == .product { return 1 + Float(i % 7 - 3) / 1024 }
          return Float(i * 7919 % 101 - 50) / 8
        }
        var want = [Double](repeating: 9, count: outer * inner)
        var got = [Float](repeating: 9, count: outer * inner)
        fold.run(
          .float64, x.map(Double.init), outer: outer, n: n, inner: inner, into: &want,
          pool: .single)
        fold.run(
          .float32, x, outer: outer, n: n, inner: inner, into: &got, pool: .single, lanes: lanes)
        let fits = zip(got, want).allSatisfy { abs(Double($0) - $1) <= 2e-6 * max(100, abs($1)) }
        #expect(fits, "\(lanes) \(fold) \(outer) \(n) \(inner)")
      }
    }
  }

  /// Rows of integers go in four chains; sums wrap.
  @Test func foldsRowsOfIntegers() {
    for n in [0, 1, 3, 4, 9] {
      let x = (0..<2 * n).map { Int8(truncatingIfNeeded: $0 * 53 - 100) }
      for fold in Fold.allCases where fold != .logSumExp {
        var got = [Int8](repeating: 9, count: 2)
        fold.run(.int8, x, outer: 2, n: n, inner: 1, into: &got, pool: .single)
        let want = (0..<2).map { r -> Int8 in
          let row = x[r * n..<(r + 1) * n]
          switch fold {
          case .sumOfMagnitudes: return row.reduce(0) { $0 &+ ($1 < 0 ? 0 &- $1 : $1) }
          case .sumOfSquares: return row.reduce(0) { $0 &+ $1 &* $1 }
          case .max: return row.max() ?? .min
          case .min: return row.min() ?? .max
          case .product: return row.reduce(1) { $0 &* $1 }
          default: return row.reduce(0) { $0 &+ $1 }
          }
        }
        #expect(got == want, "\(fold) \(n)")
      }
    }
  }
}
