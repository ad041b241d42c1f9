import Graphs
import Operators
import Tensors
import Testing

@Suite struct RotaryFusionTests {
  private typealias Build = GraphBuilder
  private let size = 4

  private func ints(_ b: Build, _ list: Int...) throws -> ValueID {
    try b.constant(Tensor(list.map { Int64($0) }))
  }
  /// (-x2, x1)
  private func rotated(_ b: Build, _ x: ValueID) throws -> ValueID {
    let first = try b.apply(Slice(), inputs: [x, ints(b, 0), ints(b, 2), ints(b, 3)])
    let last = try b.apply(Slice(), inputs: [x, ints(b, 2), ints(b, Int(Int64.max)), ints(b, -1)])
    return try b.apply(Concat(axis: -1), b.apply(Neg(), last), first)
  }
  private func turned(
    _ b: Build, _ x: ValueID, _ cos: ValueID, _ sin: ValueID
  ) throws -> ValueID {
    try b.apply(Add(), b.apply(Mul(), x, cos), b.apply(Mul(), rotated(b, x), sin))
  }

  @Test func headsThatWereSplitFromOneValue() throws {
    let check = try PassCheck([ramp([2, 3, 8]), ramp([2, 3, 2], scale: 3)]) { b, x in
      let four = try b.apply(Reshape(), x[0], ints(b, 0, 0, 2, 4))
      let heads = try b.apply(Transpose(perm: [0, 2, 1, 3]), four)
      let angles = try b.apply(Concat(axis: -1), x[1], x[1])
      func wide(_ v: ValueID) throws -> ValueID { try b.apply(Unsqueeze(), v, ints(b, 1)) }
      let y = try turned(
        b, heads, wide(b.apply(Cos(), angles)), wide(b.apply(Sin(), angles)))
      return [try b.apply(MatMul(), y, b.apply(Transpose(perm: [0, 1, 3, 2]), heads))]
    }
    #expect(check.after.contains("RotaryEmbedding"))
    #expect(!check.after.contains("Neg"))
    #expect(check.error < 1e-6)
  }

  /// As Hugging Face's decoders have them: one row of angles for a batch of any size.
  @Test(arguments: [[], [["n", "s", ""], ["", "s", ""]]])
  func anglesOfOneRowForABatch(sizes: [[String]]) throws {
    let check = try PassCheck([ramp([2, 3, 8]), ramp([1, 3, 2], scale: 3)], sizes: sizes) { b, x in
      let four = try b.apply(Reshape(), x[0], ints(b, 0, 0, 2, 4))
      let heads = try b.apply(Transpose(perm: [0, 2, 1, 3]), four)
      let angles = try b.apply(Concat(axis: -1), x[1], x[1])
      func wide(_ v: ValueID) throws -> ValueID { try b.apply(Unsqueeze(), v, ints(b, 1)) }
      let y = try turned(b, heads, wide(b.apply(Cos(), angles)), wide(b.apply(Sin(), angles)))
      return [try b.apply(MatMul(), y, b.apply(Transpose(perm: [0, 1, 3, 2]), heads))]
    }
    #expect(check.after.contains("RotaryEmbedding"))
    #expect(!check.after.contains("Neg"))
    #expect(check.error < 1e-6)
  }

  @Test func constantAngles() throws {
    let rows: [Float] = (0..<12).map { (i: Int) -> Float in Float(i / 4 * 2 + i % 2) * 0.3 }
    let rest: [Float] = rows.map { 1 - $0 }
    let check = try PassCheck([ramp([2, 2, 3, 4])]) { b, x in
      let cos = try b.constant(Tensor(shape: [1, 1, 3, 4], rows))
      let sin = try b.constant(Tensor(shape: [1, 1, 3, 4], rest))
      return [try turned(b, x[0], cos, sin)]
    }
    #expect(check.after == ["RotaryEmbedding"])
    #expect(check.error < 1e-6)
  }

  @Test func halvesOfDifferentAnglesStay() throws {
    let check = try PassCheck([ramp([1, 2, 3, 4]), ramp([1, 1, 3, 4]), ramp([1, 1, 3, 4])]) {
      b, x in [try turned(b, x[0], x[1], x[2])]
    }
    #expect(!check.after.contains("RotaryEmbedding"))
    #expect(check.error < 1e-6)
  }
}
