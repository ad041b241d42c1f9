import Glibc
import Kernels
import Testing

/// Softmax of rows of few elements, which are worked on side by side.
@Suite struct NarrowSoftmaxTests {
  @Test(arguments: [false, true]) func equalsTheFormula(log: Bool) {
    for n in 1...9 {
      for rows in [1, 2, 15, 16, 17, 40] {
        let x = (0..<rows * n).map { Float(($0 * 37) % 23) * 0.7 - 6 }
        var y = [Float](repeating: 9, count: rows * n)
        SoftmaxKernel.run(
          .float32, log: log, x, outer: rows, n: n, inner: 1, into: &y, pool: .single)
        for r in 0..<rows {
          let row = x[r * n..<(r + 1) * n].map { Double($0) }
          let sum = row.reduce(0) { $0 + exp($1) }
          for (i, v) in row.enumerated() {
            let want = log ? v - Glibc.log(sum) : exp(v) / sum
            #expect(abs(Double(y[r * n + i]) - want) <= 2e-6 * max(1, abs(want)))
          }
          // A row has the same bits alone.
          var alone = [Float](repeating: 9, count: n)
          SoftmaxKernel.run(
            .float32, log: log, Array(x[r * n..<(r + 1) * n]), outer: 1, n: n, inner: 1,
            into: &alone, pool: .single)
          #expect(alone == Array(y[r * n..<(r + 1) * n]))
        }
      }
    }
  }

  /// Few columns side by side: several rows are one vector.
  @Test(arguments: [false, true]) func narrowColumns(log: Bool) {
    for lanes in [LaneSet.scalar, .avx2, .avx512] where lanes.rawValue <= LaneSet.best.rawValue {
      for inner in 1...9 {
        for (outer, n) in [(1, 1), (1, 5), (3, 7), (2, 16), (1, 49), (40, 33)] {
          let x = (0..<outer * n * inner).map { Float(($0 * 37) % 101) * 0.2 - 9 }
          let y = softmax(log, x, outer, n, inner, lanes)
          for o in 0..<outer {
            for j in 0..<inner {
              let at = (0..<n).map { (o * n + $0) * inner + j }
              let sum = at.reduce(0.0) { $0 + exp(Double(x[$1])) }
              for i in at {
                let want = log ? Double(x[i]) - Glibc.log(sum) : exp(Double(x[i])) / sum
                #expect(abs(Double(y[i]) - want) <= 2e-6 * max(1, abs(want)))
              }
            }
            let part = Array(x[o * n * inner..<(o + 1) * n * inner])
            #expect(
              softmax(log, part, 1, n, inner, lanes)
                == Array(y[o * n * inner..<(o + 1) * n * inner]))
          }
        }
      }
    }
  }

  @Test func columnsWithoutNumbers() {
    let x: [Float] = [.nan, 1, -.infinity, .infinity, 2, 1, -.infinity, 3, 2, 1, -.infinity, 4]
    let y = softmax(false, x, 1, 3, 4, .best)
    for j in [0, 2, 3] { #expect((0..<3).allSatisfy { y[$0 * 4 + j].isNaN }) }
    for i in 0..<3 { #expect(abs(y[i * 4 + 1] - 1 / 3) < 1e-6) }
  }

  private func softmax(
    _ log: Bool, _ x: [Float], _ outer: Int, _ n: Int, _ inner: Int, _ lanes: LaneSet
  ) -> [Float] {
    var y = [Float](repeating: 9, count: x.count)
    SoftmaxKernel.run(
      .float32, log: log, x, outer: outer, n: n, inner: inner, into: &y, pool: .single,
      lanes: lanes)
    return y
  }

  @Test func edges() {
    let x: [Float] = [.nan, 1, -.infinity, -.infinity, .infinity, 0, -.infinity, 2]
    var y = [Float](repeating: 9, count: 8)
    SoftmaxKernel.run(.float32, log: false, x, outer: 4, n: 2, inner: 1, into: &y, pool: .single)
    #expect(y[0..<6].allSatisfy { $0.isNaN })
    #expect(y[6] == 0 && y[7] == 1)
  }
}
