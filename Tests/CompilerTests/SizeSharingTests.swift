import Graphs
import Operators
import Tensors
import Testing

@Suite struct SizeSharingTests {
  /// Sizes of a value and of what it was broadcast to.
  private func sizes(_ names: [[String]]) throws -> PassCheck {
    try PassCheck([ramp([2, 3, 1]), ramp([2, 1, 4])], level: .basic, sizes: names) { b, x in
      let sum = try b.apply(Add(), x[0], x[1])
      let first = try b.apply(Slice(), try b.apply(ShapeOp(), x[0]), ints(b, 1), ints(b, 2))
      let second = try b.apply(Slice(), try b.apply(ShapeOp(), sum), ints(b, 1), ints(b, 2))
      return [try b.apply(Concat(axis: 0), inputs: [first, second, ints(b, 5)]), sum]
    }
  }

  private func ints(_ b: GraphBuilder, _ list: Int64...) throws -> ValueID {
    try b.constant(Tensor(list))
  }

  @Test func sizesThatAreKnownToBeEqualAreOne() throws {
    let check = try sizes([["n", "m", ""], ["k", "", ""]])
    #expect(check.after.count { $0 == "Shape" } == 1)
    #expect(check.error == 0)
  }

  @Test func namesOfTwoInputsProveNothing() throws {
    let check = try sizes([["n", "m", ""], ["m", "", ""]])
    #expect(check.after.count { $0 == "Shape" } == 2)
    #expect(check.error == 0)
  }
}
