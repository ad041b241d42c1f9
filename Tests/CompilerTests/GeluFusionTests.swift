import Graphs
import Operators
import Tensors
import Testing

@Suite struct GeluFusionTests {
  static let root = 1.4142135623730951
  static let tanhFactor = 0.7978845608028654

  /// x, times or divided by a number.
  private func scaled(
    _ b: GraphBuilder, _ x: ValueID, _ c: Double, divides: Bool = false
  ) throws -> ValueID {
    let c = try b.constant(Tensor(scalar: Float(c)))
    return divides ? try b.apply(Div(), x, c) : try b.apply(Mul(), x, c)
  }
  private func plus(_ b: GraphBuilder, _ c: Double, _ x: ValueID) throws -> ValueID {
    try b.apply(Add(), try b.constant(Tensor(scalar: Float(c))), x)
  }
  private func sumOfErf(_ b: GraphBuilder, _ x: ValueID) throws -> ValueID {
    try plus(b, 1, b.apply(Erf(), scaled(b, x, Self.root, divides: true)))
  }

  @Test func halfAtAnyPlace() throws {
    let forms: [(GraphBuilder, ValueID) throws -> ValueID] = [
      { b, x in try scaled(b, b.apply(Mul(), x, sumOfErf(b, x)), 0.5) },
      { b, x in try b.apply(Mul(), scaled(b, x, 0.5), sumOfErf(b, x)) },
      { b, x in try b.apply(Mul(), x, scaled(b, sumOfErf(b, x), 0.5)) },
      { b, x in try scaled(b, b.apply(Mul(), sumOfErf(b, x), x), 2, divides: true) },
    ]
    for form in forms {
      let check = try PassCheck([ramp([3, 5], scale: 3)]) { b, x in [try form(b, x[0])] }
      #expect(check.after == ["Gelu"])
      #expect(check.error < 1e-6)
    }
  }

  @Test func tanhForms() throws {
    let forms: [(GraphBuilder, ValueID) throws -> ValueID] = [
      { b, x in
        let cube = try b.apply(Pow(), x, try b.constant(Tensor(scalar: Float(3))))
        return try b.apply(Add(), x, scaled(b, cube, 0.044715))
      },
      { b, x in
        let cube = try b.apply(Mul(), x, b.apply(Mul(), x, x))
        return try b.apply(Add(), scaled(b, cube, 0.044715), x)
      },
      { b, x in
        let square = try b.apply(Mul(), scaled(b, x, 0.044715), x)
        return try b.apply(Mul(), x, plus(b, 1, square))
      },
    ]
    for form in forms {
      let check = try PassCheck([ramp([3, 5], scale: 3)]) { b, x in
        let t = try b.apply(Tanh(), scaled(b, form(b, x[0]), Self.tanhFactor))
        return [try b.apply(Mul(), scaled(b, x[0], 0.5), plus(b, 1, t))]
      }
      #expect(check.after == ["Gelu"])
      #expect(check.error < 1e-5)
    }
  }

  @Test func otherConstantsAndUsesStay() throws {
    let wrong = try PassCheck([ramp([3, 5])]) { b, x in
      let e = try plus(b, 1, b.apply(Erf(), scaled(b, x[0], 0.7)))
      return [try scaled(b, b.apply(Mul(), x[0], e), 0.5)]
    }
    #expect(!wrong.after.contains("Gelu"))
    let used = try PassCheck([ramp([3, 5])]) { b, x in
      let e = try sumOfErf(b, x[0])
      return [try scaled(b, b.apply(Mul(), x[0], e), 0.5), e]
    }
    #expect(!used.after.contains("Gelu"))
  }
}
