import Graphs
import Operators
import Tensors
import Testing

@Suite struct ConvFusionTests {
  private func conv(_ b: GraphBuilder, _ x: ValueID, _ seed: Int) throws -> ValueID {
    try b.apply(Conv(), x, try b.constant(ramp([3, 3, 1, 1], seed: seed)))
  }

  @Test func aResidualAndAFunctionGoIntoTheConvolution() throws {
    let check = try PassCheck([ramp([2, 3, 4, 4]), ramp([2, 3, 4, 4], seed: 3)]) { b, x in
      let sum = try b.apply(Add(), x[1], try conv(b, x[0], 1))
      return [try b.apply(Relu(), sum)]
    }
    #expect(check.after == ["FusedConv"])
    #expect(check.error < 1e-6)
  }

  @Test func ofTwoConvolutionsTheLaterTakesTheOther() throws {
    let check = try PassCheck([ramp([1, 3, 4, 4])]) { b, x in
      let first = try conv(b, try b.apply(Relu(), x[0]), 1)
      return [try b.apply(Add(), try conv(b, x[0], 2), first)]
    }
    #expect(check.after.sorted() == ["Conv", "FusedConv", "Relu"])
    #expect(check.error < 1e-6)
  }

  @Test func constantsGoIntoWeightsAndBias() throws {
    let check = try PassCheck([ramp([1, 3, 4, 4])], level: .basic) { b, x in
      let scale = try b.constant(ramp([3, 1, 1], seed: 4))
      let shift = try b.constant(ramp([1, 3, 1, 1], seed: 9))
      let y = try b.apply(Mul(), scale, try conv(b, x[0], 1))
      let z = try b.apply(Sub(), try b.apply(Add(), y, shift), try b.constant(Tensor([2 as Float])))
      return [try b.apply(Div(), z, try b.constant(Tensor(scalar: 3 as Float)))]
    }
    #expect(check.after == ["Conv"])
    #expect(check.error < 1e-6)
  }

  @Test func aConstantAlongAnotherAxisStays() throws {
    let check = try PassCheck([ramp([1, 3, 4, 4])]) { b, x in
      [try b.apply(Add(), try conv(b, x[0], 1), try b.constant(ramp([4, 1], seed: 4)))]
    }
    #expect(check.after == ["Conv", "Add"])
    let wide = try PassCheck([ramp([1, 3, 4, 4])]) { b, x in
      [try b.apply(Add(), try conv(b, x[0], 1), try b.constant(ramp([2, 1, 1, 1, 1], seed: 4)))]
    }
    #expect(wide.after == ["Conv", "Add"])
  }

  @Test func whatOthersUseStays() throws {
    let check = try PassCheck([ramp([1, 3, 4, 4])]) { b, x in
      let y = try conv(b, x[0], 1)
      return [y, try b.apply(Relu(), y)]
    }
    #expect(check.after == ["Conv", "Relu"])
  }
}
