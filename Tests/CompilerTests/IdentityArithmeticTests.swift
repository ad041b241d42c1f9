import Graphs
import Operators
import Tensors
import Testing

@Suite struct IdentityArithmeticTests {
  private func scalar(_ b: GraphBuilder, _ number: Float) throws -> ValueID {
    try b.constant(Tensor(scalar: number))
  }

  @Test func whatChangesNothingGoes() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      var y = try b.apply(Exp(), x[0])
      y = try b.apply(Add(), y, try b.constant(Tensor([0, 0, 0] as [Float])))
      y = try b.apply(Mul(), try scalar(b, 1), y)
      y = try b.apply(Div(), y, try scalar(b, 1))
      y = try b.apply(Sub(), y, try scalar(b, 0))
      y = try b.apply(Pow(), y, try scalar(b, 1))
      y = try b.apply(Max(), y, try scalar(b, -.infinity))
      y = try b.apply(Min(), y, try scalar(b, .infinity))
      y = try b.apply(Neg(), try b.apply(Neg(), y))
      y = try b.apply(Clip(), y)
      let on = try b.constant(Tensor(scalar: true))
      y = try b.apply(Where(), on, y, try b.constant(ramp([2, 3])))
      return [try b.apply(Sqrt(), y)]
    }
    #expect(check.after == ["Exp", "Sqrt"])
    #expect(check.error == 0)
  }

  @Test func aTensorOfOneNumberBecomesAScalar() throws {
    func whole(_ b: GraphBuilder, _ shape: Shape) throws -> ValueID {
      try b.constant(
        Tensor(shape: shape, [Float](repeating: -9, count: shape.count)))
    }
    let check = try PassCheck([ramp([2, 3, 4]), ramp([3, 4])], level: .basic) { b, x in
      let on = try b.apply(Greater(), x[1], try scalar(b, 0))
      return [
        try b.apply(Where(), on, x[0], try whole(b, [2, 3, 4])),
        // This one makes the result larger.
        try b.apply(Add(), x[1], try whole(b, [2, 3, 4])),
      ]
    }
    #expect(check.after == ["Greater", "Where", "Add"])
    func rank(_ node: String, _ input: Int) throws -> Int? {
      let found = try #require(check.graph.nodes.first { $0.type == node })
      return try check.graph.values[#require(found.inputs[input]).index].fact.dims?.count
    }
    #expect(try rank("Where", 2) == 0)
    #expect(try rank("Add", 1) == 3)
    #expect(check.error == 0)
  }

  @Test func whatChangesTheShapeStays() throws {
    let check = try PassCheck([ramp([1, 3]), ramp([3])], level: .basic) { b, x in
      let zeros = try b.constant(Tensor(shape: [2, 3], [Float](repeating: 0, count: 6)))
      let on = try b.constant(Tensor(scalar: true))
      return [
        try b.apply(Add(), x[0], zeros),
        try b.apply(Where(), on, x[1], try b.constant(ramp([2, 3]))),
        try b.apply(Sub(), try scalar(b, 0), x[1]),
      ]
    }
    #expect(check.after == ["Add", "Where", "Sub"])
  }

  @Test func powersBecomeProductsAndRoots() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let cube = try b.apply(Pow(), x[0], try scalar(b, 3))
      let square = try b.apply(Pow(), x[0], try scalar(b, 2))
      let one = try b.apply(Add(), square, try scalar(b, 1))
      return [
        cube, try b.apply(Pow(), one, try scalar(b, 0.5)),
        try b.apply(Pow(), one, try scalar(b, -1)),
        try b.apply(Pow(), x[0], try scalar(b, 0.5)),
        try b.apply(Pow(), x[0], try scalar(b, 4)),
      ]
    }
    #expect(check.after.count { $0 == "Pow" } == 2)
    #expect(check.after.count { $0 == "Mul" } == 2)
    #expect(check.after.contains("Sqrt") && check.after.contains("Reciprocal"))
    #expect(check.error < 1e-6)
  }

  @Test func factorsInARowBecomeOne() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      var y = try b.apply(Mul(), x[0], try scalar(b, 3))
      y = try b.apply(Div(), y, try scalar(b, 7))
      y = try b.apply(Div(), y, try scalar(b, 0.3))
      let z = try b.apply(Div(), try b.apply(Div(), x[0], try scalar(b, 3)), try scalar(b, 5))
      return [y, z]
    }
    #expect(check.after == ["Mul", "Div"])
    #expect(check.error < 1e-6)
  }

  @Test func aFactorOthersUseStays() throws {
    let check = try PassCheck([ramp([2, 3])], level: .basic) { b, x in
      let y = try b.apply(Mul(), x[0], try scalar(b, 3))
      let tiny = try b.apply(Mul(), x[0], try scalar(b, 1e-30))
      return [
        y, try b.apply(Mul(), y, try scalar(b, 2)),
        try b.apply(Mul(), tiny, try scalar(b, 1e-30)),
      ]
    }
    #expect(check.after == ["Mul", "Mul", "Mul", "Mul"])
  }

  @Test func castsThatLoseNothingJoin() throws {
    let check = try PassCheck([Tensor([1, -2, 300] as [Int32])], level: .basic) { b, x in
      let wide = try b.apply(Cast(to: .float64), x[0])
      let narrow = try b.apply(Cast(to: .float16), x[0])
      return [
        try b.apply(Cast(to: .int32), wide), try b.apply(Cast(to: .int64), wide),
        try b.apply(Cast(to: .float32), narrow), try b.apply(Cast(to: .int8), wide),
      ]
    }
    // One to 16 bits loses digits, and one to a byte need not wrap.
    #expect(check.after.count == 6)
    #expect(check.error == 0)
  }
}
