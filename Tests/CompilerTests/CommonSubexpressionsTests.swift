import Graphs
import Operators
import Tensors
import Testing

@Suite struct CommonSubexpressionsTests {
  @Test func equalNodesBecomeOne() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let one = try b.apply(Exp(), x[0])
      let two = try b.apply(Exp(), x[0])
      let sum = try b.apply(Add(), one, try b.constant(ramp([3])))
      return [sum, try b.apply(Mul(), sum, try b.apply(Add(), two, try b.constant(ramp([3]))))]
    }
    #expect(check.after.sorted() == ["Add", "Exp", "Mul"])
    #expect(check.error == 0)
  }

  @Test func otherFieldsAreOtherNodes() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let one = try b.apply(LeakyRelu(alpha: 0.1), x[0])
      return [try b.apply(Mul(), one, try b.apply(LeakyRelu(alpha: 0.2), x[0]))]
    }
    #expect(check.after.count == 3)
  }

  @Test func twoOutputsStayTwo() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      [try b.apply(Exp(), x[0]), try b.apply(Exp(), x[0])]
    }
    #expect(check.after == ["Exp", "Exp"])
  }

  @Test func anOutputTakesTheOthersPlace() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let inner = try b.apply(Neg(), try b.apply(Exp(), x[0]))
      return [inner, try b.apply(Exp(), x[0])]
    }
    #expect(check.after == ["Exp", "Neg"])
    #expect(check.error == 0)
  }

}
