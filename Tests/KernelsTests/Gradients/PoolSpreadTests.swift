import Kernels
import Tensors
import Testing

@Suite struct PoolSpreadTests {
  private func axis(_ kernel: Int, _ stride: Int, _ pad: Int, _ input: Int) -> PoolKernel.Axis {
    PoolKernel.Axis(
      kernel: kernel, stride: stride, dilation: 1, padBegin: pad, padEnd: pad, input: input,
      output: (input + 2 * pad - kernel) / stride + 1)
  }

  /// Against the places that the pooling itself gives, with ties, NaN and rows left over.
  @Test(arguments: LaneSet.available) func equalsScattering(lanes: LaneSet) throws {
    for (kernel, stride, pad) in [(2, 2, 0), (3, 2, 1), (2, 1, 0)] {
      for width in 2...37 {
        let axes = [axis(kernel, stride, pad, 5), axis(kernel, stride, pad, width)]
        let (planes, size) = (3, 5 * width)
        let count = axes[0].output * axes[1].output
        let pool = try PoolKernel(.max, planes: planes, axes: axes)
        var x = (0..<planes * size).map { Float($0 * 7 % 5) }
        x[width] = .nan
        let dy = (0..<planes * count).map { Float($0 % 9 - 4) }
        var y = [Float](repeating: 0, count: planes * count)
        var places = [Int64](repeating: 0, count: planes * count)
        var got = [Float](repeating: 9, count: planes * size)
        pool.runWithIndices(
          .float32, x, into: &y, indices: &places, isColumnMajor: false, pool: .single)
        pool.spreadLargest(.float32, x, dy, into: &got, pool: .single, lanes: lanes)
        var largest = [Float](repeating: 9, count: planes * count)
        pool.run(.float32, x, into: &largest, pool: .single, lanes: lanes)
        #expect(zip(largest, y).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
        var want = [Float](repeating: 0, count: planes * size)
        for (i, place) in places.enumerated() { want[Int(place)] += dy[i] }
        #expect(got == want, "\(lanes) \(kernel) \(stride) \(width)")
      }
    }
  }
}
