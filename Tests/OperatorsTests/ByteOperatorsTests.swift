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
}
