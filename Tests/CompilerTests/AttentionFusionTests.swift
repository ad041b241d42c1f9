import Graphs
import Operators
import Tensors
import Testing

@Suite struct AttentionFusionTests {
  private typealias Build = GraphBuilder

  private func ints(_ b: Build, _ list: Int...) throws -> ValueID {
    try b.constant(Tensor(list.map { Int64($0) }))
  }
  /// `[N, S, H * E]` as `[N, H, S, E]`.
  private func split(_ b: Build, _ x: ValueID, _ heads: Int, _ size: Int) throws -> ValueID {
    try b.apply(
      Transpose(perm: [0, 2, 1, 3]), b.apply(Reshape(), x, ints(b, 0, 0, heads, size)))
  }
  private func turned(_ b: Build, _ x: ValueID) throws -> ValueID {
    try b.apply(Transpose(perm: [0, 1, 3, 2]), x)
  }
  private func merge(_ b: Build, _ x: ValueID) throws -> ValueID {
    try b.apply(Reshape(), b.apply(Transpose(perm: [0, 2, 1, 3]), x), ints(b, 0, 0, -1))
  }
  private func number(_ b: Build, _ c: Float) throws -> ValueID {
    try b.constant(Tensor(scalar: c))
  }
  private func softmax(_ b: Build, _ x: ValueID) throws -> ValueID { try b.apply(Softmax(), x) }

  @Test func headsSplitAndMerged() throws {
    let check = try PassCheck([ramp([2, 5, 12]), ramp([2, 7, 12], seed: 1), ramp([2, 7, 12])]) {
      b, x in
      let (q, k, v) = (
        try split(b, x[0], 3, 4), try split(b, x[1], 3, 4), try split(b, x[2], 3, 4)
      )
      let s = try b.apply(Mul(), b.apply(MatMul(), q, turned(b, k)), number(b, 0.5))
      return [try merge(b, b.apply(MatMul(), softmax(b, s), v))]
    }
    #expect(check.after == ["Attention"])
    #expect(check.error < 1e-6)
  }

  @Test func scalesOnBothFactorsAndABoolMask() throws {
    let mask = try Tensor(shape: [2, 1, 5, 5], (0..<50).map { $0 % 3 != 1 || $0 % 5 == 0 })
    let check = try PassCheck([ramp([2, 5, 12]), mask]) { b, x in
      let h = try split(b, x[0], 3, 4)
      let q = try b.apply(Mul(), h, number(b, 0.7))
      let k = try b.apply(Div(), turned(b, h), number(b, 1.5))
      let s = try b.apply(MatMul(), q, k)
      let w = try b.apply(Where(), x[1], s, number(b, -.infinity))
      return [try merge(b, b.apply(MatMul(), softmax(b, w), h))]
    }
    #expect(check.after == ["FusedAttention"])
    #expect(check.error < 1e-6)
  }

  /// Attention over heads of one value, with a mask that `hide` puts into the scores.
  private func masked(
    _ inputs: [Tensor], sizes: [[String]] = [],
    _ hide: (Build, ValueID, [ValueID]) throws -> ValueID
  ) throws -> PassCheck {
    try PassCheck(inputs, sizes: sizes) { b, x in
      let h = try split(b, x[0], 3, 4)
      let s = try b.apply(MatMul(), h, turned(b, h))
      return [try merge(b, b.apply(MatMul(), softmax(b, hide(b, s, x)), h))]
    }
  }

  @Test func aQueryWithoutKeysGivesWhatASoftmaxDoes() throws {
    // The second query of the first batch sees nothing.
    let seen = try Tensor(shape: [2, 1, 5, 5], (0..<50).map { $0 / 5 != 1 && $0 % 3 != 1 })
    let low = try Tensor(shape: [5, 5], (0..<25).map { $0 / 5 == 2 ? -Float.infinity : 0 })
    for value in [-Float.infinity, -1e4, -3.4028235e38] {
      let check = try masked([ramp([2, 5, 12]), seen]) { b, s, x in
        try b.apply(Where(), x[1], s, number(b, value))
      }
      #expect(check.after.last == (value.isFinite ? "Attention" : "FusedAttention"))
      #expect(check.error < 1e-6)
    }
    let added = try masked([ramp([2, 5, 12]), low]) { b, s, x in try b.apply(Add(), s, x[1]) }
    #expect(added.after == ["FusedAttention"])
    #expect(added.error < 1e-6)
  }

  @Test func trianglesOfOpenLengthsAreCausal() throws {
    typealias Hide = (Build, ValueID, ValueID) throws -> ValueID
    func length(_ b: Build, _ x: ValueID) throws -> ValueID {
      try b.apply(Squeeze(), b.apply(ShapeOp(start: 1, end: 2), x), ints(b, 0))
    }
    func places(_ b: Build, _ x: ValueID) throws -> (ValueID, ValueID) {
      let zero = try b.constant(Tensor(scalar: Int64(0)))
      let one = try b.constant(Tensor(scalar: Int64(1)))
      let list = try b.apply(RangeOp(), zero, length(b, x), one)
      return (
        try b.apply(Unsqueeze(), list, ints(b, 0)), try b.apply(Unsqueeze(), list, ints(b, 1))
      )
    }
    let forms: [Hide] = [
      { b, s, x in
        let n = try b.apply(ShapeOp(start: 1, end: 2), x)
        let sizes = try b.apply(Concat(axis: 0), n, n)
        let full = try b.apply(ConstantOfShape(Tensor([-Float.infinity])), sizes)
        return try b.apply(
          Add(), s, b.apply(Trilu(), full, b.constant(Tensor(scalar: Int64(1)))))
      },
      { b, s, x in
        let (keys, queries) = try places(b, x)
        return try b.apply(
          Where(), b.apply(Greater(), keys, queries), number(b, -3.4e38), s)
      },
      { b, s, x in
        let (keys, queries) = try places(b, x)
        return try b.apply(
          Where(), b.apply(LessOrEqual(), keys, queries), s, number(b, -.infinity))
      },
    ]
    for hide in forms {
      let check = try masked([ramp([2, 5, 12])], sizes: [["b", "s", ""]]) { b, s, x in
        try hide(b, s, x[0])
      }
      #expect(check.after == ["Attention"])
      #expect(check.error < 1e-6)
    }
  }

  @Test func addedMasksOfTwoKinds() throws {
    let check = try PassCheck(
      [ramp([2, 5, 12]), ramp([1, 3, 5, 5], scale: 4), ramp([2, 1, 1, 5], scale: 9, seed: 3)]
    ) { b, x in
      let h = try split(b, x[0], 3, 4)
      var s = try b.apply(Mul(), b.apply(MatMul(), h, turned(b, h)), number(b, 0.5))
      s = try b.apply(Add(), x[1], s)
      s = try b.apply(Add(), s, x[2])
      return [try merge(b, b.apply(MatMul(), softmax(b, s), h))]
    }
    #expect(check.after == ["Add", "FusedAttention"])
    #expect(check.error < 1e-6)
  }

  @Test func aConstantTriangleIsCausal() throws {
    let check = try PassCheck([ramp([1, 6, 8])]) { b, x in
      let h = try split(b, x[0], 2, 4)
      let s = try b.apply(MatMul(), h, turned(b, h))
      let mask = try b.constant(
        Tensor(shape: [6, 6], (0..<36).map { $0 % 6 > $0 / 6 ? Float(-3.4e38) : 0 }))
      return [
        try merge(b, b.apply(MatMul(), softmax(b, b.apply(Add(), s, mask)), h))
      ]
    }
    #expect(check.after == ["Attention"])
    let op = check.graph.nodes.first?.op as? Attention
    #expect(op?.options.isCausal == true)
    #expect(check.graph.nodes.first?.inputs.count == 3)
    #expect(check.error < 1e-6)
  }

  @Test func packedAsOneTensor() throws {
    // [N, S, 3, H, E] to [3, N, H, S, E], as vision transformers do.
    let check = try PassCheck([ramp([2, 5, 24])]) { b, x in
      let five = try b.apply(Reshape(), x[0], ints(b, 2, 5, 3, 2, 4))
      let t = try b.apply(Transpose(perm: [2, 0, 3, 1, 4]), five)
      let parts = try (0..<3).map { i in
        try b.apply(Gather(axis: 0), t, b.constant(Tensor(scalar: Int64(i))))
      }
      let s = try b.apply(MatMul(), parts[0], turned(b, parts[1]))
      return [try merge(b, b.apply(MatMul(), softmax(b, s), parts[2]))]
    }
    #expect(check.after == ["FusedAttention"])
    #expect(check.error < 1e-6)
  }

  @Test func sequenceFirstWithBatchesAndHeadsInOneAxis() throws {
    let check = try PassCheck([ramp([5, 2, 24])]) { b, x in
      let parts = try b.apply(Split(axis: 2, parts: 3), inputs: [x[0]], outputs: 3)
      let heads = try (0..<3).map { i in
        try b.apply(
          Transpose(perm: [1, 0, 2]), b.apply(Reshape(), parts[i], ints(b, 5, 4, 4)))
      }
      let k = try b.apply(Transpose(perm: [0, 2, 1]), heads[1])
      let p = try softmax(b, b.apply(MatMul(), heads[0], k))
      let y = try b.apply(MatMul(), p, heads[2])
      return [
        try b.apply(Reshape(), b.apply(Transpose(perm: [1, 0, 2]), y), ints(b, 5, 2, 8))
      ]
    }
    #expect(check.after == ["FusedAttention"])
    #expect(check.error < 1e-6)
  }

  @Test func groupedHeadsWithACache() throws {
    let check = try PassCheck([
      ramp([1, 2, 16]), ramp([1, 2, 8], seed: 1), ramp([1, 2, 8], seed: 2),
      ramp([1, 2, 3, 4], seed: 3), ramp([1, 2, 3, 4], seed: 4),
    ]) { b, x in
      let q = try split(b, x[0], 4, 4)
      let k = try b.apply(Concat(axis: 2), x[3], split(b, x[1], 2, 4))
      let v = try b.apply(Concat(axis: 2), x[4], split(b, x[2], 2, 4))
      func repeated(_ x: ValueID) throws -> ValueID {
        let wide = try b.apply(
          Expand(), b.apply(Unsqueeze(), x, ints(b, 2)), ints(b, 1, 2, 2, 5, 4))
        return try b.apply(Reshape(), wide, ints(b, 1, 4, 5, 4))
      }
      let s = try b.apply(MatMul(), q, turned(b, repeated(k)))
      return [try merge(b, b.apply(MatMul(), softmax(b, s), repeated(v))), k, v]
    }
    #expect(check.after == ["Attention"])
    #expect(check.error < 1e-6)
  }

  /// Windows of an image, as Swin has them: scores of five axes.
  @Test(arguments: [[5, 5], [1, 1, 1, 5, 5], [1, 3, 1, 5, 5], [2, 1, 1, 1, 5]])
  func masksOverWindows(mask: [Int]) throws {
    let check = try PassCheck([ramp([2, 3, 5, 8]), ramp(Shape(mask), scale: 3, seed: 5)]) { b, x in
      let parted = try b.apply(Reshape(), x[0], ints(b, 0, 0, 0, 2, 4))
      let h = try b.apply(Transpose(perm: [0, 1, 3, 2, 4]), parted)
      let k = try b.apply(Transpose(perm: [0, 1, 2, 4, 3]), h)
      let s = try b.apply(Add(), b.apply(MatMul(), h, k), x[1])
      let y = try b.apply(
        Transpose(perm: [0, 1, 3, 2, 4]), b.apply(MatMul(), softmax(b, s), h))
      return [try b.apply(Reshape(), y, ints(b, 0, 0, 0, 8))]
    }
    // One that differs from window to window cannot be given to attention of four axes.
    if mask.count > 4 { #expect(check.after.contains("Softmax")) }
    #expect(check.error < 1e-6)
  }

  @Test func probabilitiesThatAreUsedElsewhereStay() throws {
    let check = try PassCheck([ramp([1, 5, 8])]) { b, x in
      let h = try split(b, x[0], 2, 4)
      let p = try softmax(b, b.apply(MatMul(), h, turned(b, h)))
      return [try merge(b, b.apply(MatMul(), p, h)), p]
    }
    #expect(check.after.contains("Softmax"))
  }

  @Test func softmaxAlongQueriesStays() throws {
    let check = try PassCheck([ramp([1, 5, 8])]) { b, x in
      let h = try split(b, x[0], 2, 4)
      let s = try b.apply(MatMul(), h, turned(b, h))
      let p = try b.apply(Softmax(SoftmaxAxis(2)), s)
      return [try merge(b, b.apply(MatMul(), p, h))]
    }
    #expect(check.after.contains("Softmax"))
  }

  @Test func projectionsOfOneValueBecomeOneProduct() throws {
    let check = try PassCheck([ramp([2, 5, 12])]) { b, x in
      let parts = try (0..<3).map { i in
        let y = try b.apply(MatMul(), x[0], b.constant(ramp([12, 12], seed: i + 1)))
        return try split(b, b.apply(Add(), y, b.constant(ramp([12], seed: i))), 3, 4)
      }
      let s = try b.apply(MatMul(), parts[0], turned(b, parts[1]))
      return [try merge(b, b.apply(MatMul(), softmax(b, s), parts[2]))]
    }
    #expect(check.after == ["FusedLinear", "FusedAttention"])
    #expect(check.error < 1e-6)
  }

  @Test func mergedProjectionsKeepWhatQueriesWithoutKeysGive() throws {
    let low = try Tensor(
      shape: [2, 1, 5, 5], (0..<50).map { $0 / 5 == 2 ? -Float.infinity : 0 })
    let check = try PassCheck([ramp([2, 5, 12]), low]) { b, x in
      let parts = try (0..<3).map { i in
        try split(b, b.apply(MatMul(), x[0], b.constant(ramp([12, 12], seed: i + 1))), 3, 4)
      }
      let s = try b.apply(MatMul(), parts[0], turned(b, parts[1]))
      let p = try softmax(b, b.apply(Add(), s, x[1]))
      return [try merge(b, b.apply(MatMul(), p, parts[2]))]
    }
    #expect(check.after == ["FusedLinear", "FusedAttention"])
    #expect(check.error < 1e-6)
  }

  @Test func projectionsOfOtherValuesAreMergedInPart() throws {
    let check = try PassCheck([ramp([2, 5, 12]), ramp([2, 7, 12], seed: 5)]) { b, x in
      let parts = try (0..<3).map { i in
        let y = try b.apply(
          MatMul(), x[i == 0 ? 0 : 1], b.constant(ramp([12, 12], seed: i + 1)))
        return try split(b, y, 3, 4)
      }
      let s = try b.apply(MatMul(), parts[0], turned(b, parts[1]))
      return [try merge(b, b.apply(MatMul(), softmax(b, s), parts[2]))]
    }
    #expect(check.after.sorted() == ["FusedAttention", "FusedLinear", "MatMul"])
    #expect(check.error < 1e-6)
  }
}
