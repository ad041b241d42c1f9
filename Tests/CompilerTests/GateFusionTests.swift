import Graphs
import Operators
import Tensors
import Testing

@Suite struct GateFusionTests {
  private func number(_ b: GraphBuilder, _ c: Float) throws -> ValueID {
    try b.constant(Tensor(scalar: c))
  }

  @Test func gatesBecomeTheirOperators() throws {
    let forms: [(String, (GraphBuilder, ValueID) throws -> ValueID)] = [
      ("Swish", { b, x in try b.apply(Mul(), b.apply(Sigmoid(), x), x) }),
      (
        "Swish",
        { b, x in
          try b.apply(Mul(), x, b.apply(Sigmoid(), b.apply(Mul(), number(b, 1.702), x)))
        }
      ),
      (
        "HardSwish",
        { b, x in try b.apply(Mul(), x, b.apply(HardSigmoid(alpha: 1 / 6, beta: 0.5), x)) }
      ),
      (
        "HardSwish",
        { b, x in
          let three = try b.apply(Add(), x, number(b, 3))
          let clip = try b.apply(Clip(), three, number(b, 0), number(b, 6))
          return try b.apply(Div(), b.apply(Mul(), x, clip), number(b, 6))
        }
      ),
      ("Mish", { b, x in try b.apply(Mul(), x, b.apply(Tanh(), b.apply(Softplus(), x))) }),
    ]
    for (name, form) in forms {
      let check = try PassCheck([ramp([3, 7], scale: 4)]) { b, x in [try form(b, x[0])] }
      #expect(check.after == [name])
      #expect(check.error < 1e-6)
    }
  }

  @Test func gatesOfOtherValuesStay() throws {
    let check = try PassCheck([ramp([3, 5]), ramp([3, 5], seed: 3)]) { b, x in
      [try b.apply(Mul(), x[0], b.apply(Sigmoid(), x[1]))]
    }
    #expect(check.after == ["Sigmoid", "Mul"])
  }
}
