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

  @Test func edges() {
    let x: [Float] = [.nan, 1, -.infinity, -.infinity, .infinity, 0, -.infinity, 2]
    var y = [Float](repeating: 9, count: 8)
    SoftmaxKernel.run(.float32, log: false, x, outer: 4, n: 2, inner: 1, into: &y, pool: .single)
    #expect(y[0..<6].allSatisfy { $0.isNaN })
    #expect(y[6] == 0 && y[7] == 1)
  }
}
