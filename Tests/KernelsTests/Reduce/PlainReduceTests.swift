import Kernels
import Tensors
import Testing

/// Largest elements, and their places, of integers and float64 on every instruction set, against
/// loops over one element after the other.
@Suite struct PlainReduceTests {
  private func place<T: Numeral>(_ x: [T], isMin: Bool, last: Bool) -> Int {
    var best = 0
    for i in x.indices.dropFirst() {
      let (v, top) = (x[i], x[best])
      let beats = top.isNotANumber ? false : v.isNotANumber || (isMin ? v < top : v > top)
      let equals = v == top || (v.isNotANumber && top.isNotANumber)
      if beats || (last && equals) { best = i }
    }
    return best
  }

  private func check<T: Numeral>(
    _ dtype: DType, _ lanes: LaneSet, _ value: (Int) -> T
  ) {
    for (outer, n, inner) in [
      (3, 1, 1), (2, 7, 1), (2, 8, 1), (3, 64, 1), (1, 91, 1), (2, 300, 1), (1, 1000, 1), (2, 5, 3),
      (2, 21, 16), (1, 9, 100), (2, 3, 300),
    ] {
      let x = (0..<outer * n * inner).map { value($0 * 7919 % 103) }
      for flags in 0..<4 {
        let (isMin, last) = (flags & 1 != 0, flags & 2 != 0)
        var places = [Int64](repeating: -1, count: outer * inner)
        ArgKernel(isMin: isMin, selectsLast: last).run(
          dtype, x, outer: outer, n: n, inner: inner, into: &places, pool: .single, lanes: lanes)
        var tops = [T](repeating: T.zeroValue, count: outer * inner)
        (isMin ? Fold.min : Fold.max).run(
          dtype, x, outer: outer, n: n, inner: inner, into: &tops, pool: .single, lanes: lanes)
        for o in 0..<outer {
          for j in 0..<inner {
            let line = (0..<n).map { x[(o * n + $0) * inner + j] }
            let want = place(line, isMin: isMin, last: last)
            let top = tops[o * inner + j]
            #expect(places[o * inner + j] == Int64(want), "\(dtype) \(lanes) \(n) \(flags)")
            #expect(
              top == line[want] || (top.isNotANumber && line[want].isNotANumber),
              "\(dtype) \(lanes) \(n) \(flags)")
          }
        }
      }
    }
  }

  @Test(arguments: LaneSet.available) func equalsPlainLoops(lanes: LaneSet) {
    check(.uint8, lanes) { UInt8($0 % 7 * 40) }
    check(.int8, lanes) { Int8($0 % 9 * 30 - 120) }
    check(.uint16, lanes) { UInt16($0 % 7 * 9000) }
    check(.int16, lanes) { Int16($0 % 7 * 9000 - 30_000) }
    check(.uint32, lanes) { UInt32($0 % 7) << 29 }
    check(.int32, lanes) { Int32(truncatingIfNeeded: $0 % 7) &<< 29 }
    check(.uint64, lanes) { UInt64($0 % 7) << 61 }
    check(.int64, lanes) { Int64(truncatingIfNeeded: $0 % 7) &<< 61 }
    check(.float64, lanes) { Double($0 % 7 - 3) }
    check(.float64, lanes) { $0 < 3 ? [Double.nan, .infinity, -.infinity][$0] : Double($0 % 5) }
  }
}
