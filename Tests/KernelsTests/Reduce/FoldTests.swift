import Glibc
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

  /// Rows of float32, short ones turned into columns, and of float64 in lanes, against plain loops.
  @Test(arguments: LaneSet.available) func foldsRows(lanes: LaneSet) {
    for n in [1, 2, 3, 5, 8, 9, 16, 31, 32, 33, 64, 100, 4100] {
      for fold in Fold.allCases {
        for special in [Float.nan, .infinity, 1] {
          let rows = n > 1000 ? 2 : 67
          var x = (0..<rows * n).map { i -> Float in
            if fold == .product { return 1 + Float(i % 7 - 3) / 1024 }
            return Float(i * 7919 % 101 - 50) / 8
          }
          x[n / 2] = special
          var got = [Float](repeating: 9, count: rows)
          var wide = [Double](repeating: 9, count: rows)
          fold.run(
            .float32, x, outer: rows, n: n, inner: 1, into: &got, pool: .single, lanes: lanes)
          fold.run(
            .float64, x.map(Double.init), outer: rows, n: n, inner: 1, into: &wide, pool: .single)
          for r in 0..<rows {
            let row: [Double] = x[r * n..<(r + 1) * n].map { Double($0) }
            let want = slow(fold, row)
            for result in [Double(got[r]), wide[r]] {
              let isSame = result == want || (result.isNaN && want.isNaN)
              let bound = 3e-6 * max(100, abs(want))
              #expect(
                isSame || abs(result - want) <= bound,
                "\(lanes) \(fold) \(n) \(special) row \(r): \(result) for \(want)")
            }
          }
        }
      }
    }
  }

  /// Columns of float64, whole tiles and parts of them.
  @Test func foldsColumnsOfDoubles() {
    for (outer, n, inner) in [(2, 3, 5), (1, 130, 300), (2, 64, 256)] {
      for fold in Fold.allCases {
        let x = (0..<outer * n * inner).map { i -> Double in
          if fold == .product { return 1 + Double(i % 7 - 3) / 1024 }
          return Double(i * 7919 % 101 - 50) / 8
        }
        var got = [Double](repeating: 9, count: outer * inner)
        fold.run(.float64, x, outer: outer, n: n, inner: inner, into: &got, pool: .single)
        for at in got.indices {
          let first = at / inner * n * inner + at % inner
          let want = slow(fold, (0..<n).map { x[first + $0 * inner] })
          #expect(abs(got[at] - want) <= 1e-12 * max(100, abs(want)), "\(fold) \(at)")
        }
      }
    }
  }

  private func slow(_ fold: Fold, _ x: [Double]) -> Double {
    switch fold {
    case .sum: x.reduce(0, +)
    case .sumOfMagnitudes: x.reduce(0) { $0 + abs($1) }
    case .sumOfSquares: x.reduce(0) { $0 + $1 * $1 }
    case .max: x.contains(where: \.isNaN) ? .nan : x.max() ?? -.infinity
    case .min: x.contains(where: \.isNaN) ? .nan : x.min() ?? .infinity
    case .product: x.reduce(1, *)
    case .logSumExp:
      x.contains(where: \.isNaN) ? .nan : Glibc.log(x.reduce(0) { $0 + Glibc.exp($1) })
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
