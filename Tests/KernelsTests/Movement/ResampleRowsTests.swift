import Kernels
import Tensors
import Testing

/// Rows resampled 16 places at a time, against the sums one by one.
@Suite struct ResampleRowsTests {
  @Test(
    arguments: [
      (5, 20), (20, 5), (14, 56), (31, 33), (100, 100), (300, 17), (1, 9), (64, 40), (100, 42),
      (200, 60),
    ])
  func sumsOneByOne(from: Int, to: Int) {
    for taps in [1, 2, 4] {
      let (rows, scale) = (7, Double(from) / Double(to))
      var indices: [Int32] = []
      var weights: [Double] = []
      for i in 0..<to {
        for k in 0..<taps {
          let place = Int(Double(i) * scale) + k - taps / 2
          indices.append(Int32(min(max(place, 0), from - 1)))
          weights.append(Double((i * 7 + k * 3) % 11) / 8 - 0.5)
        }
      }
      let x = (0..<rows * from).map { Float(($0 * 37) % 101) / 8 - 6 }
      for threads in [1, 2] {
        let plan = Resampler(
          shape: [rows, from],
          axes: [
            AxisResampling(axis: 1, size: to, taps: taps, indices: indices, weights: weights)
          ], dtype: .float32, threads: threads)
        var y = [Float](repeating: 9, count: rows * to)
        var scratch = [UInt8](repeating: 0, count: plan.scratchBytes + 64)
        let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
        plan.run(to: &y, from: x, scratch: &scratch, pool: pool)
        for r in 0..<rows {
          for i in 0..<to {
            var sum: Float = 0
            for k in 0..<taps {
              sum += Float(weights[i * taps + k]) * x[r * from + Int(indices[i * taps + k])]
            }
            #expect(abs(y[r * to + i] - sum) <= 2e-6)
          }
        }
      }
    }
  }
}
