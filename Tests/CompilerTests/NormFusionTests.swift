import Graphs
import Operators
import Tensors
import Testing

@Suite struct NormFusionTests {
  private typealias Build = GraphBuilder

  private func number(_ b: Build, _ c: Float) throws -> ValueID {
    try b.constant(Tensor(scalar: c))
  }
  private func mean(_ b: Build, _ x: ValueID, axes: [Int] = [-1]) throws -> ValueID {
    try b.apply(ReduceMean(ReduceAxes(axes)), x)
  }
  private func deviation(_ b: Build, _ square: ValueID, axes: [Int] = [-1]) throws -> ValueID {
    try b.apply(Sqrt(), b.apply(Add(), mean(b, square, axes: axes), number(b, 1e-5)))
  }

  @Test func layerNormInItsForms() throws {
    let forms: [(Build, ValueID) throws -> ValueID] = [
      { b, x in
        let d = try b.apply(Sub(), x, mean(b, x))
        return try b.apply(Div(), d, deviation(b, b.apply(Pow(), d, number(b, 2))))
      },
      { b, x in
        let d = try b.apply(Sub(), x, mean(b, x))
        let r = try b.apply(Reciprocal(), deviation(b, b.apply(Mul(), d, d)))
        return try b.apply(Mul(), r, d)
      },
      { b, x in
        let d = try b.apply(Sub(), x, mean(b, x))
        let e = try b.apply(Sub(), x, mean(b, x))
        return try b.apply(Div(), d, deviation(b, b.apply(Mul(), e, e)))
      },
    ]
    for form in forms {
      let check = try PassCheck([ramp([2, 3, 8], scale: 2)]) { b, x in
        let n = try form(b, x[0])
        let y = try b.apply(Mul(), n, b.constant(ramp([8], seed: 3)))
        return [try b.apply(Add(), b.constant(ramp([1, 1, 8], seed: 5)), y)]
      }
      #expect(check.after == ["LayerNormalization"])
      #expect(check.error < 1e-5)
    }
  }

  @Test func twoAxesWithoutShift() throws {
    let check = try PassCheck([ramp([2, 3, 8], scale: 2)], level: .basic) { b, x in
      let d = try b.apply(Sub(), x[0], mean(b, x[0], axes: [1, 2]))
      let n = try b.apply(Div(), d, deviation(b, b.apply(Mul(), d, d), axes: [-1, -2]))
      return [try b.apply(Mul(), n, b.constant(ramp([3, 8], seed: 3)))]
    }
    #expect(check.after == ["LayerNormalization"])
    #expect(check.error < 1e-5)
  }

  @Test func rootMeanSquares() throws {
    let check = try PassCheck([ramp([2, 3, 8], scale: 2)]) { b, x in
      let s = try deviation(b, b.apply(Pow(), x[0], number(b, 2)))
      let n = try b.apply(Mul(), x[0], b.apply(Div(), number(b, 1), s))
      return [try b.apply(Mul(), b.constant(ramp([8], seed: 3)), n)]
    }
    #expect(check.after == ["RMSNormalization"])
    #expect(check.error < 1e-5)
  }

  @Test func normsWithoutGain() throws {
    for centers in [true, false] {
      let check = try PassCheck([ramp([2, 3, 8], scale: 2)]) { b, x in
        let d = centers ? try b.apply(Sub(), x[0], mean(b, x[0])) : x[0]
        return [try b.apply(Div(), d, deviation(b, b.apply(Mul(), d, d)))]
      }
      #expect(check.after == [centers ? "LayerNormalization" : "RMSNormalization"])
      #expect(check.error < 1e-5)
    }
  }

  @Test func layerNormAsKerasHasIt() throws {
    let check = try PassCheck([ramp([2, 3, 8], scale: 2)]) { b, x in
      let m = try mean(b, x[0])
      let d = try b.apply(Sub(), x[0], m)
      let r = try b.apply(Reciprocal(), deviation(b, b.apply(Mul(), d, d)))
      let s = try b.apply(Mul(), r, b.constant(ramp([8], seed: 3)))
      let rest = try b.apply(Sub(), b.constant(ramp([8], seed: 5)), b.apply(Mul(), m, s))
      return [try b.apply(Add(), b.apply(Mul(), x[0], s), rest)]
    }
    #expect(check.after == ["LayerNormalization"])
    #expect(check.error < 1e-5)
  }

  @Test func otherAxesAndUsesStay() throws {
    let other = try PassCheck([ramp([2, 8, 8])]) { b, x in
      let d = try b.apply(Sub(), x[0], mean(b, x[0], axes: [1]))
      let n = try b.apply(Div(), d, deviation(b, b.apply(Mul(), d, d), axes: [1]))
      return [try b.apply(Mul(), n, b.constant(ramp([8], seed: 3)))]
    }
    #expect(!other.after.contains("LayerNormalization"))
    let used = try PassCheck([ramp([2, 8])]) { b, x in
      let d = try b.apply(Sub(), x[0], mean(b, x[0]))
      let n = try b.apply(Div(), d, deviation(b, b.apply(Mul(), d, d)))
      return [try b.apply(Mul(), n, b.constant(ramp([8], seed: 3))), d]
    }
    #expect(!used.after.contains("LayerNormalization"))
  }

  @Test func sumsGoIntoTheNorm() throws {
    for isRMS in [false, true] {
      let check = try PassCheck([ramp([2, 3, 8]), ramp([2, 3, 8], seed: 9)]) { b, x in
        let sum = try b.apply(Add(), x[0], x[1])
        let gain = try b.constant(ramp([8], seed: 3))
        let y =
          isRMS
          ? try b.apply(RMSNormalization(), sum, gain)
          : try b.apply(LayerNormalization(), sum, gain, b.constant(ramp([8], seed: 4)))
        return [y, try b.apply(Relu(), sum)]
      }
      #expect(
        check.after == [
          isRMS ? "SkipSimplifiedLayerNormalization" : "SkipLayerNormalization", "Relu",
        ])
      #expect(check.error < 1e-5)
    }
  }

  @Test func sumsThatBroadcastStay() throws {
    let check = try PassCheck([ramp([2, 3, 8]), ramp([3, 8], seed: 9)]) { b, x in
      let sum = try b.apply(Add(), x[0], x[1])
      return [try b.apply(RMSNormalization(), sum, b.constant(ramp([8], seed: 3)))]
    }
    #expect(check.after == ["Add", "RMSNormalization"])
  }
}
