import Kernels
import Tensors
import Testing

/// Short rows that are normalised as columns, against float64.
@Suite struct ShortRowsTests {
  @Test(arguments: LaneSet.available) func normalises(lanes: LaneSet) {
    for (rows, n) in [(1, 1), (3, 4), (67, 7), (200, 16), (65, 31), (64, 32)] {
      for flags in 0..<4 {
        let (centers, hasBias) = (flags & 1 != 0, flags & 2 != 0)
        let x = (0..<rows * n).map { Float($0 * 7919 % 101 - 50) / 8 }
        let gain = (0..<n).map { Float($0 % 5) - 1.5 }
        let bias = (0..<n).map { Float($0 % 3) - 0.5 }
        var y = [Float](repeating: 9, count: rows * n)
        var (means, inverses) = (
          [Float](repeating: 9, count: rows), [Float](repeating: 9, count: rows)
        )
        let kernel = RowNormalize(
          rows: rows, n: n, epsilon: 1e-3, centers: centers, lanes: lanes)
        bias.withUnsafeBytes { bias in
          kernel.run(
            .float32, x: x, gain: gain, bias: hasBias ? bias.baseAddress : nil, into: &y,
            mean: &means, inverse: &inverses, pool: .single)
        }
        for r in 0..<rows {
          let row = x[r * n..<(r + 1) * n].map(Double.init)
          let mean = centers ? row.reduce(0, +) / Double(n) : 0
          let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n)
          let inverse = 1 / (variance + 1e-3).squareRoot()
          #expect(abs(Double(means[r]) - mean) <= 1e-5)
          #expect(abs(Double(inverses[r]) - inverse) <= 1e-5 * inverse)
          for i in 0..<n {
            let want =
              (row[i] - mean) * inverse * Double(gain[i]) + (hasBias ? Double(bias[i]) : 0)
            #expect(abs(Double(y[r * n + i]) - want) <= 1e-4, "\(lanes) \(rows) \(n) \(r) \(i)")
          }
        }
      }
    }
  }
}
