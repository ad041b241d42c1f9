import Graphs
import Kernels
import Tensors
import Testing

@testable import Operators

@Suite struct VisionTests {
  private func run(_ op: any Operator, _ inputs: Tensor...) throws -> [Float] {
    let values = try Eager().evaluate(op, inputs.map { .tensor($0) }, outputs: 1, runner: nil)
    return try #require(values[0]).asTensor().values(as: Float.self)
  }

  /// The grid of the identity reads every pixel's centre, in every mode.
  @Test(arguments: [GridSample.Mode.linear, .nearest, .cubic], [false, true])
  func identity(_ mode: GridSample.Mode, _ aligns: Bool) throws {
    let pixels = (1...12).map { Float($0 * $0 % 11) }
    let x = try Tensor(shape: [1, 1, 3, 4], pixels)
    let theta = try Tensor(shape: [1, 2, 3], [1, 0, 0, 0, 1, 0] as [Float])
    let size = try Tensor([1, 1, 3, 4] as [Int64])
    let grid = try Eager().apply(AffineGrid(alignsCorners: aligns), theta, size)
    let y = try run(GridSample(mode: mode, alignsCorners: aligns), x, grid)
    for (a, b) in zip(y, pixels) { #expect(abs(a - b) <= 1e-5) }
  }

  @Test func placesFarOutsideAndNaN() throws {
    let x = try Tensor(shape: [1, 1, 1, 2], [3, 5] as [Float])
    let grid = try Tensor(
      shape: [1, 1, 3, 2], [.infinity, 0, -.greatestFiniteMagnitude, 0, .nan, 0] as [Float])
    #expect(try run(GridSample(mode: .nearest), x, grid) == [0, 0, 3])
    #expect(try run(GridSample(padding: .border), x, grid)[..<2] == [5, 3])
    let reflected = try run(GridSample(padding: .reflection), x, grid)
    #expect(reflected.allSatisfy { $0 >= 3 && $0 <= 5 })
    #expect(throws: EngineError.self) {
      try run(GridSample(), x, Tensor(shape: [1, 1, 1, 3], [0, 0, 0] as [Float]))
    }
  }

  @Test func regionsOfConstantsAreConstant() throws {
    let x = try Tensor(shape: [1, 1, 4, 4], Array(repeating: 7 as Float, count: 16))
    let rois = try Tensor(shape: [1, 4], [0.5, 0.5, 3.2, 3.4] as [Float])
    let y = try run(RoiAlign(height: 2, width: 3), x, rois, Tensor([0 as Int64]))
    #expect(y.count == 6 && y.allSatisfy { abs($0 - 7) <= 1e-5 })
    #expect(throws: EngineError.self) { try run(RoiAlign(), x, rois, Tensor([1 as Int64])) }
    let huge = try Tensor(shape: [1, 4], [0, 0, 1e30, 0] as [Float])
    #expect(throws: EngineError.self) { try run(RoiAlign(), x, huge, Tensor([0 as Int64])) }
  }

  /// Means of float32 go another way than those of float64: regions beyond the edges, turned round,
  /// without area, none at all, of several images, and channels that do not fill 16 lanes.
  @Test(arguments: [0, 1, 2, 3], [true, false])
  func meansOfFloatsAreThoseOfDoubles(samples: Int, isHalfPixel: Bool) throws {
    for (images, channels, regions) in [(1, 1, 3), (2, 19, 8), (3, 33, 0), (2, 16, 1)] {
      let (h, w) = (7, 11)
      let x = (0..<images * channels * h * w).map { Double($0 * 37 % 101) / 50 - 1 }
      let sides: [[Double]] = [
        [0.2, 0.3, 9, 5], [-5, -4, 30, 20], [8, 6, 2, 1], [3, 3, 3, 3], [40, 40, 50, 50],
        [0, 0, 10.9, 6.9], [-0.9, -0.9, 0.5, 0.5], [10, 6, 12, 8],
      ]
      let rois = sides.prefix(regions).flatMap { $0 }
      let list = try Tensor(shape: [regions], (0..<regions).map { Int64($0 * 5 % images) })
      let op = RoiAlign(
        height: 3, width: 2, samples: samples, scale: 0.75, isHalfPixel: isHalfPixel)
      let shape: Shape = [images, channels, h, w]
      let eager = Eager()
      let want = try eager.apply(
        op,
        inputs: [
          try Tensor(shape: shape, x), try Tensor(shape: [regions, 4], rois), list,
        ])
      for threads in [1, 3] {
        let parallel = Eager(
          pool: ThreadPool(threads: threads), options: KernelOptions(threads: threads))
        let got = try parallel.apply(
          op,
          inputs: [
            try Tensor(shape: shape, x.map { Float($0) }),
            try Tensor(shape: [regions, 4], rois.map { Float($0) }), list,
          ])
        #expect(got.shape == want.shape)
        for (a, b) in try zip(got.values(as: Float.self), want.values(as: Double.self)) {
          #expect(abs(Double(a) - b) <= 2e-6)
        }
      }
    }
  }

  @Test func unpoolRefusesWrongPlaces() throws {
    let x = try Tensor(shape: [1, 1, 1, 2], [1, 2] as [Float])
    let op = MaxUnpool(kernel: [1, 2], strides: [1, 2])
    let good = try Tensor(shape: [1, 1, 1, 2], [1, 2] as [Int64])
    #expect(try run(op, x, good) == [0, 1, 2, 0])
    #expect(
      try run(op, x, good, Tensor([1, 1, 2, 5] as [Int64])) == [0, 1, 2, 0, 0, 0, 0, 0, 0, 0])
    #expect(throws: EngineError.self) {
      try run(op, x, Tensor(shape: [1, 1, 1, 2], [1, 4] as [Int64]))
    }
    #expect(throws: EngineError.self) { try run(op, x, good, Tensor([1, 1, 1, 3] as [Int64])) }
  }

  @Test func stringsAndComplexNumbers() throws {
    let words = try Tensor(shape: [1, 1, 1, 2], strings: ["a", "b"])
    let grid = try Tensor(shape: [1, 1, 3, 2], [-0.5, 0, 0.5, 0, 3, 0] as [Float])
    func sample(_ op: GridSample, _ x: Tensor) throws -> Tensor {
      let values = try Eager().evaluate(
        op, [.tensor(x), .tensor(grid)], outputs: 1, runner: nil)
      return try #require(values[0]).asTensor()
    }
    #expect(try sample(GridSample(mode: .nearest), words).strings == ["a", "b", ""])
    #expect(throws: EngineError.self) { try sample(GridSample(), words) }
    let numbers = try Tensor(TensorType(.complex64, [1, 1, 1, 2])) { (bytes) in
      ([1, 2, 3, 4] as [Float]).withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
    let read = try sample(GridSample(), numbers)
    #expect(read.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == [1, 2, 3, 4, 0, 0])
  }
}
