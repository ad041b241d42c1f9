import Kernels
import Tensors
import Testing

/// Rows of float32, which go through vector kernels, against float64.
@Suite struct AxisNormalizeTests {
  @Test(arguments: [1, 2]) func scalesRows(p: Int) {
    for n in [1, 5, 16, 100, 769] {
      // The second row is zero, the third so small that the norm's reciprocal is no number.
      var x = (0..<4 * n).map { Float($0 * 7919 % 101 - 50) / 8 }
      for i in n..<2 * n { x[i] = 0 }
      for i in 2 * n..<3 * n { x[i] = p == 1 && i == 2 * n ? .leastNonzeroMagnitude * 7 : 0 }
      var want = [Double](repeating: 9, count: 4 * n)
      var got = [Float](repeating: 9, count: 4 * n)
      AxisNormalize.norm(
        .float64, p: p, x.map(Double.init), outer: 4, n: n, inner: 1, into: &want, pool: .single)
      AxisNormalize.norm(.float32, p: p, x, outer: 4, n: n, inner: 1, into: &got, pool: .single)
      #expect(zip(got, want).allSatisfy { abs(Double($0) - $1) <= 3e-7 }, "\(n)")
    }
  }

  /// Runs of neighbours, in two stretches, give what elements one by one give.
  @Test func takesMomentsOfRuns() {
    let (batch, channels, size) = (2, 3, 37)
    let x = (0..<batch * channels * size).map { 1000 + Float($0 * 7919 % 101) / 8 }
    let kept = Table(sizes: [channels], strides: [size])
    let stretches = Table(sizes: [batch], strides: [channels * size])
    let places = Table(sizes: [batch, size], strides: [channels * size, 1])
    var want = [Double](repeating: 9, count: x.count)
    var got = [Float](repeating: 9, count: x.count)
    AxisNormalize.meanVariance(
      .float64, x.map(Double.init), kept: kept, folded: places, run: 1, into: &want,
      pool: .single)
    AxisNormalize.meanVariance(
      .float32, x, kept: kept, folded: stretches, run: size, into: &got, pool: .single)
    #expect(zip(got, want).allSatisfy { abs(Double($0) - $1) <= 1e-4 })
    var wide = want
    AxisNormalize.meanVariance(
      .float64, x.map(Double.init), kept: kept, folded: stretches, run: size, into: &wide,
      pool: .single)
    #expect(zip(wide, want).allSatisfy { abs($0 - $1) <= 1e-11 })
  }
}
