import Graphs
import Operators
import Tensors
import Testing

@Suite struct JoinSimplificationTests {
  private func ints(_ b: GraphBuilder, _ list: Int64...) throws -> ValueID {
    try b.constant(Tensor(list))
  }

  @Test func joinsOfJoinsBecomeOne() throws {
    let check = try PassCheck([ramp([2, 3]), ramp([2, 2])], level: .basic) { b, x in
      let inner = try b.apply(Concat(axis: -1), x[0], x[1])
      let other = try b.apply(Concat(axis: 0), x[1], x[1])
      return [
        try b.apply(Concat(axis: 1), x[1], inner, x[0]), try b.apply(Concat(axis: 0), other, x[1]),
        other,
      ]
    }
    #expect(check.after == ["Concat", "Concat", "Concat"])
    #expect(check.error == 0)
  }

  @Test func partsInOrderAreTheWhole() throws {
    let check = try PassCheck([ramp([2, 6])], level: .basic) { b, x in
      let y = try b.apply(Exp(), x[0])
      let parts = try b.apply(Split(axis: 1, parts: 3), inputs: [y], outputs: 3)
      let whole = try b.apply(Concat(axis: -1), parts[0], parts[1], parts[2])
      return [
        try b.apply(Neg(), whole), try b.apply(Concat(axis: 1), parts[1], parts[0], parts[2]),
      ]
    }
    #expect(check.after.sorted() == ["Concat", "Exp", "Neg", "Split"])
    #expect(check.error == 0)
  }

  @Test func slicesOfSlicesBecomeOne() throws {
    let check = try PassCheck([ramp([5, 8, 3])], level: .basic) { b, x in
      let first = try b.apply(
        Slice(), inputs: [x[0], try ints(b, 1, -6), try ints(b, 9, 7), try ints(b, 0, 1)])
      let second = try b.apply(
        Slice(),
        inputs: [
          first, try ints(b, 1, 2), try ints(b, -1, 0), try ints(b, 1, -1), try ints(b, 1, -1),
        ])
      return [second]
    }
    #expect(check.after == ["Slice"])
    #expect(check.error == 0)
  }

  @Test func slicesThatTakeAValueApartBecomeASplit() throws {
    let check = try PassCheck([ramp([2, 6])], level: .basic) { b, x in
      let y = try b.apply(Exp(), x[0])
      func part(_ from: Int64, _ to: Int64) throws -> ValueID {
        try b.apply(
          Slice(), inputs: [y, try ints(b, from), try ints(b, to), try ints(b, 1)])
      }
      return [try b.apply(Neg(), try part(2, 9)), try part(0, 2)]
    }
    #expect(check.after == ["Exp", "Split", "Neg"])
    #expect(check.error == 0)
    let gap = try PassCheck([ramp([2, 6])], level: .basic) { b, x in
      try [(0, 2), (3, 6)].map { (from, to) in
        try b.apply(
          Slice(), inputs: [x[0], try ints(b, from), try ints(b, to), try ints(b, 1)])
      }
    }
    #expect(gap.after == ["Slice", "Slice"])
  }

  @Test func anUnsqueezeOfAnUnsqueezeBecomesOne() throws {
    let check = try PassCheck(
      [ramp([2, 3])], level: .basic, sizes: [["n", "m"]]
    ) { b, x in
      let y = try b.apply(Exp(), x[0])
      let one = try b.apply(Unsqueeze(), y, try ints(b, 1))
      let two = try b.apply(Unsqueeze(), one, try b.constant(Tensor([0, -1] as [Int64])))
      return [try b.apply(Neg(), two), try b.apply(Unsqueeze(), two, try ints(b, 2))]
    }
    #expect(check.after.count { $0 == "Unsqueeze" } == 2)
    #expect(check.error == 0)
  }
}
