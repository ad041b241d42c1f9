import Kernels
import Tensors
import Testing

/// Windows that are folded by rows and columns against the plain loops, which float64 runs.
@Suite struct PoolWindowTests {
  private func axis(
    _ kernel: Int, _ stride: Int, _ dilation: Int, _ pad: Int, _ input: Int
  ) -> PoolKernel.Axis? {
    let room = input + 2 * pad - (kernel - 1) * dilation - 1
    guard room >= 0 else { return nil }
    return PoolKernel.Axis(
      kernel: kernel, stride: stride, dilation: dilation, padBegin: pad, padEnd: pad,
      input: input, output: room / stride + 1)
  }

  /// Axes of every kind: neighbours, pairs, wider steps, pads alone, widths around vectors and tiles.
  private var windows: [[PoolKernel.Axis]] {
    var list: [[PoolKernel.Axis]] = []
    for (kernel, stride, dilation, pad) in [
      (3, 1, 1, 1), (3, 2, 1, 1), (2, 2, 1, 0), (3, 1, 2, 0), (2, 3, 2, 1), (1, 1, 1, 1),
      (4, 5, 1, 3), (5, 2, 3, 2),
    ] {
      for width in [1, 2, 15, 16, 17, 33, 40, 67, 1100] {
        for sizes in [[width], [6, width], [3, 4, width]] {
          let axes = sizes.compactMap { axis(kernel, stride, dilation, pad, $0) }
          if axes.count == sizes.count { list.append(axes) }
        }
      }
    }
    return list
  }

  private func numbers(_ count: Int, special: Bool) -> [Float] {
    (0..<count).map { i in
      let v = i * 7919 % 101
      return special && v < 3 ? [Float.nan, .infinity, -.infinity][v] : Float(v % 13 - 6) * 0.5
    }
  }

  /// Two planes go row by row; of 21, small ones lie side by side.
  @Test(arguments: LaneSet.available, [2, 21]) func equalsPlainLoops(
    lanes: LaneSet, planes: Int
  ) throws {
    for axes in windows {
      for kind in [
        PoolKernel.Kind.max, .average(countsPads: false), .average(countsPads: true), .norm(p: 1),
        .norm(p: 2),
      ] {
        let pool = try PoolKernel(kind, planes: planes, axes: axes)
        let x = numbers(planes * axes.reduce(1) { $0 * $1.input }, special: kind == .max)
        let count = planes * axes.reduce(1) { $0 * $1.output }
        var want = [Double](repeating: 9, count: count)
        var got = [Float](repeating: 9, count: count)
        pool.run(.float64, x.map(Double.init), into: &want, pool: .single)
        pool.run(.float32, x, into: &got, pool: .single, lanes: lanes)
        let fits = zip(got, want).allSatisfy { y, w in
          y.isNaN && w.isNaN || Double(y) == w || abs(Double(y) - w) <= 1e-6 * max(1, abs(w))
        }
        #expect(fits, "\(lanes) \(kind) \(axes)")
      }
    }
  }

  @Test(arguments: LaneSet.available) func findsPlaces(lanes: LaneSet) throws {
    for axes in windows {
      let planes = 2
      let pool = try PoolKernel(.max, planes: planes, axes: axes)
      let x = numbers(planes * axes.reduce(1) { $0 * $1.input }, special: true)
      let count = planes * axes.reduce(1) { $0 * $1.output }
      var (wide, narrow) = (
        [Double](repeating: 9, count: count), [Float](repeating: 9, count: count)
      )
      var (want, got) = ([Int64](repeating: -9, count: count), [Int64](repeating: -9, count: count))
      pool.runWithIndices(
        .float64, x.map(Double.init), into: &wide, indices: &want, isColumnMajor: false,
        pool: .single)
      pool.runWithIndices(
        .float32, x, into: &narrow, indices: &got, isColumnMajor: false, pool: .single, lanes: lanes
      )
      #expect(got == want, "\(lanes) \(axes)")
      #expect(zip(narrow, wide).allSatisfy { Double($0) == $1 || $0.isNaN && $1.isNaN })
    }
  }

  /// A window wider than the kernels hold goes tap by tap.
  @Test func takesWideWindows() throws {
    let wide = try #require(axis(1500, 1, 1, 0, 1600))
    let pool = try PoolKernel(.max, planes: 1, axes: [wide])
    let x = (0..<1600).map { Float($0 * 37 % 1601) }
    var got = [Float](repeating: 0, count: wide.output)
    pool.run(.float32, x, into: &got, pool: .single)
    #expect(got == (0..<wide.output).map { x[$0..<$0 + 1500].max() })
  }
}
