import Graphs
import Operators
import Tensors
import Testing

@Suite struct LinearTransposeTests {
  private func turned(_ b: GraphBuilder, _ x: ValueID) throws -> ValueID {
    try b.apply(Transpose(perm: [1, 0, 2]), x)
  }
  private func product(
    _ b: GraphBuilder, _ x: ValueID, _ k: Int, _ n: Int
  ) throws -> ValueID {
    let y = try b.apply(MatMul(), x, b.constant(ramp([k, n], seed: n)))
    return try b.apply(Add(), y, b.constant(ramp([n], seed: 1)))
  }

  @Test func transposesAroundAProductGo() throws {
    let check = try PassCheck([ramp([2, 5, 6])]) { b, x in
      [try turned(b, product(b, turned(b, x[0]), 6, 7))]
    }
    #expect(check.after == ["FusedLinear"])
    #expect(check.error < 1e-6)
  }

  @Test func transposesThatMoveTheLastAxisStay() throws {
    let check = try PassCheck([ramp([2, 5, 5])]) { b, x in
      let y = try b.apply(Transpose(perm: [0, 2, 1]), x[0])
      return [try b.apply(Transpose(perm: [0, 2, 1]), product(b, y, 5, 5))]
    }
    #expect(check.after == ["Transpose", "FusedLinear", "Transpose"])
    #expect(check.error < 1e-6)
  }

  @Test func attentionOverBatchesThatWereTurned() throws {
    let check = try attention([ramp([2, 5, 8])]) { _, s, _ in s }
    #expect(check.after == ["FusedLinear", "FusedAttention", "FusedLinear"])
    #expect(check.error < 1e-6)
  }

  @Test func queriesWithoutKeysStillGiveNaN() throws {
    let low = try Tensor(shape: [5, 5], (0..<25).map { $0 / 5 == 2 ? -Float.infinity : 0 })
    let check = try attention([ramp([2, 5, 8]), low]) { b, s, x in try b.apply(Add(), s, x[1]) }
    #expect(check.after == ["FusedLinear", "FusedAttention", "FusedLinear"])
    #expect(check.error < 1e-6)
  }

  /// Attention within turned batches, its scores masked by `hide`.
  private func attention(
    _ inputs: [Tensor], _ hide: (GraphBuilder, ValueID, [ValueID]) throws -> ValueID
  ) throws -> PassCheck {
    try PassCheck(inputs) { b, x in
      func ints(_ list: Int...) throws -> ValueID {
        try b.constant(Tensor(list.map { Int64($0) }))
      }
      let parts = try b.apply(
        Split(axis: 2, parts: 3), inputs: [product(b, turned(b, x[0]), 8, 24)], outputs: 3)
      let heads = try (0..<3).map { i in
        try b.apply(Transpose(perm: [1, 0, 2]), b.apply(Reshape(), parts[i], ints(5, 4, 4)))
      }
      let k = try b.apply(Transpose(perm: [0, 2, 1]), heads[1])
      let p = try b.apply(Softmax(), hide(b, b.apply(MatMul(), heads[0], k), x))
      let y = try b.apply(
        Reshape(), b.apply(Transpose(perm: [1, 0, 2]), b.apply(MatMul(), p, heads[2])),
        ints(5, 2, 8))
      return [try b.apply(Add(), x[0], turned(b, product(b, y, 8, 8)))]
    }
  }
}
