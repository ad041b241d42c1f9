import DLRun
import Operators
import TestSupport
import Testing

@testable import Runtime

/// Memory of large results goes round, and never more of it than was in use at once.
@Suite struct RecycledBlocksTests {
  @Test func blocksComeBack() throws {
    let blocks = RecycledBlocks()
    var first = blocks.take(1 << 20)
    let address = try #require(first).block.memory
    first = nil
    var second = blocks.take(1 << 20)
    #expect(second?.block.memory == address)
    // Both are in use: more memory is needed, which may then be kept.
    var third = blocks.take(3 << 20)
    let other = try #require(third).block.memory
    #expect(other != address)
    second = nil
    third = nil
    // The smallest that is large enough.
    second = blocks.take(1 << 20)
    third = blocks.take(2 << 20)
    #expect(second?.block.memory == address && third?.block.memory == other)
    withExtendedLifetime((second, third)) {}
  }

  @Test func hugeBlocksAreRefused() {
    let blocks = RecycledBlocks()
    #expect(blocks.take(.max) == nil)
    #expect(blocks.take(1 << 62) == nil)
    #expect(blocks.take(1 << 20) != nil)
  }

  /// A weight behind operators whose sizes depend on data is packed once, and results stay theirs.
  @Test func productsBehindDataKeepTheirPackedWeights() throws {
    let b = GraphBuilder()
    let x = b.graph.addInput("x", Fact(.float32, [Dim(600), Dim(64)]))
    let chosen = b.graph.addInput("chosen", Fact(.bool, [Dim(600)]))
    let numbers: [Float] = (0..<64 * 128).map { (i: Int) -> Float in Float(i * 13 % 31) / 31 - 0.5 }
    let weights = try b.constant(Tensor(shape: [64, 128], numbers))
    let rows = try b.apply(Compress(axis: 0), x, chosen)
    let y = try b.apply(Relu(), b.apply(MatMul(), rows, weights))
    b.graph.values[y.index].name = "y"
    b.graph.outputs = [y]
    var model = Model(b.graph)
    model.opsets = [("", 21)]
    let session = try Session(model)
    let rowsOfX: [Float] = (0..<600 * 64).map { (i: Int) -> Float in Float(i % 17) / 8 - 1 }
    let values = try Tensor(shape: [600, 64], rowsOfX)
    func run(_ count: Int) throws -> Tensor {
      let flags = try Tensor(shape: [600], (0..<600).map { $0 < count })
      return try #require(try session.run(["x": values, "chosen": flags])["y"])
    }
    let first = try run(600)
    let made = session.state.store.madeCount
    #expect(made > 0)
    for count in [600, 10, 599, 0, 600] {
      let again = try run(count)
      #expect(again.shape == [count, 128])
      #expect(
        try again.values(as: Float.self)
          == Array(first.values(as: Float.self).prefix(count * 128)))
    }
    #expect(session.state.store.madeCount == made)
  }
}
