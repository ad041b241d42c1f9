import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// What operators on images of bytes refuse, and what of a quantised graph they repeat.
@Suite struct ByteOperatorsTests {
  private let scale = PixelScale(0.05, zero: 117)

  private func fault(_ op: any Operator, _ shapes: [Shape], _ types: [DType]) -> EngineError.Code? {
    do throws(EngineError) {
      let facts = zip(shapes, types).map { Fact($1, $0.array.map { Dim($0) }) }
      _ = try op.infer(Inference(inputs: facts))
      return nil
    } catch { return error.code }
  }

  @Test func sizesThatDoNotFit() {
    let conv = ByteConv(Conv(), scale, ByteFinish(scale))
    let types: [DType] = [.uint8, .int8, .float32]
    #expect(fault(conv, [[1, 4, 4, 8], [5, 8, 1, 1], [5]], types) == nil)
    #expect(fault(conv, [[1, 4, 4, 8], [5, 9, 1, 1], [5]], types) == .shape)
    #expect(fault(conv, [[1, 4, 4, 8], [5, 8, 1, 1], [4]], types) == .shape)
    #expect(fault(conv, [[1, 4, 4, 8], [5, 8, 1], [5]], types) == .shape)
    #expect(fault(conv, [[1, 8, 4], [5, 8, 1, 1], [5]], types) == .shape)
    let added = ByteConv(Conv(), scale, ByteFinish(scale, residual: .init(scale)))
    #expect(fault(added, [[1, 4, 4, 8], [5, 8, 1, 1], [5]], types) == .attribute)
    #expect(fault(ToBytes(scale), [[1, 4, 4]], [.float32]) == .shape)
    #expect(fault(FromBytes(channels: 9, scale), [[1, 4, 4, 8]], [.uint8]) == .shape)
    #expect(fault(ByteTable(), [[4], [255]], [.uint8, .uint8]) == .shape)
    let sum = ByteAdd(BytePairScales(scale, scale, to: scale))
    #expect(fault(sum, [[1, 4, 4, 8], [1, 4, 1, 8]], [.uint8, .uint8]) == .shape)
    #expect(fault(ByteMaxPool(Window(kernel: [2, 2])), [[1, 4, 4, 7]], [.uint8]) == .shape)
  }

  @Test func numbersGoThereAndBack() throws {
    let x = try Tensor(shape: [2, 5, 3, 4], (0..<120).map { Float($0 % 61) * 0.05 - 1.5 })
    let bytes = try Eager().apply(ToBytes(scale), x)
    #expect(bytes.shape == [2, 3, 4, 8])
    let back = try Eager().apply(FromBytes(channels: 5, scale), bytes)
    let (a, b) = (try x.values(as: Float.self), try back.values(as: Float.self))
    #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 0.0250001 })
  }

  /// Stacks of matrices whose numbers are known only in the run, one of them taken several times.
  @Test(arguments: [DType.uint8, .int8], [DType.uint8, .int8])
  func stacksOfMatrices(_ left: DType, _ right: DType) throws {
    func codes(_ type: DType, _ shape: Shape, _ seed: Int) throws -> (Tensor, [Int]) {
      let all = (0..<shape.count).map { ($0 * 37 + seed) % 251 - (type == .int8 ? 128 : 0) }
      return type == .int8
        ? (try Tensor(shape: shape, all.map { Int8($0) }), all)
        : (try Tensor(shape: shape, all.map { UInt8($0) }), all)
    }
    let (m, n, k) = (7, 70, 13)
    let (a, x) = try codes(left, [3, 2, m, k], 5)
    let (b, y) = try codes(right, [2, k, n], 9)
    let (aZero, p) = try codes(left, [], 121)
    let (bZero, q) = try codes(right, [1], 64)
    let made: Tensor = try Eager().apply(MatMulInteger(), inputs: [a, b, aZero, bZero])
    let found = try made.values(as: Int32.self)
    for i in 0..<6 * m * n {
      let (matrix, row, column) = (i / (m * n), i / n % m, i % n)
      var sum = 0
      for t in 0..<k {
        let (u, v) = (x[(matrix * m + row) * k + t], y[(matrix % 2 * k + t) * n + column])
        sum += (u - p[0]) * (v - q[0])
      }
      #expect(Int(found[i]) == sum)
    }
  }
}
