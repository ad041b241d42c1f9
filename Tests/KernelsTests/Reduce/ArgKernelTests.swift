import Kernels
import Tensors
import Testing

/// Places in float32 against those in float64, which `PlainReduceTests` holds against plain loops.
@Suite struct ArgKernelTests {
  private func numbers(_ count: Int, special: Bool) -> [Float] {
    (0..<count).map { i in
      let v = i * 7919 % 103
      return special && v < 3 ? [Float.nan, .infinity, -.infinity][v] : Float(v % 7 - 3)
    }
  }

  @Test(arguments: LaneSet.available) func equalsPlainLoops(lanes: LaneSet) {
    for (outer, n, inner) in [
      (3, 1, 1), (2, 15, 1), (2, 16, 1), (3, 91, 1), (1, 1000, 1), (2, 5, 3), (2, 21, 16),
      (1, 9, 100), (2, 3, 300),
    ] {
      for flags in 0..<8 {
        let x = numbers(outer * n * inner, special: flags & 4 != 0)
        let arg = ArgKernel(isMin: flags & 1 != 0, selectsLast: flags & 2 != 0)
        var want = [Int64](repeating: -1, count: outer * inner)
        var got = want
        arg.run(
          .float64, x.map(Double.init), outer: outer, n: n, inner: inner, into: &want,
          pool: .single)
        arg.run(
          .float32, x, outer: outer, n: n, inner: inner, into: &got, pool: .single, lanes: lanes)
        #expect(got == want, "\(lanes) \(outer) \(n) \(inner) \(flags)")
      }
    }
  }

  @Test func marksTheLargest() {
    let x: [Float] = [1, 3, 3, -1, .nan, 2]
    var y = [Float](repeating: 9, count: 6)
    ArgKernel.hardmax(.float32, x, outer: 2, n: 3, inner: 1, into: &y, pool: .single)
    #expect(y == [0, 1, 0, 0, 1, 0])
  }
}
