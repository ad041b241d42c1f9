import Graphs
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
