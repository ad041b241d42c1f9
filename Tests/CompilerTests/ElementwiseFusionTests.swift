import Graphs
import Operators
import Tensors
import Testing

@Suite struct ElementwiseFusionTests {
  @Test func aChainBecomesOneNode() throws {
    let check = try PassCheck(
      [ramp([4, 300]), ramp([300], seed: 5), ramp([4, 1], seed: 9)], lastStage: .layout
    ) { b, x in
      let shifted = try b.apply(Sub(), x[0], x[2])
      let scaled = try b.apply(Mul(), shifted, x[1])
      let (low, high) = (
        try b.constant(Tensor(scalar: Float(-0.5))), try b.constant(Tensor(scalar: Float(1)))
      )
      let bounded = try b.apply(Clip(), scaled, low, high)
      return [try b.apply(Add(), b.apply(Exp(), bounded), x[0])]
    }
    #expect(check.before == ["Sub", "Mul", "Clip", "Exp", "Add"])
    #expect(check.after == ["ElementwiseChain"])
    #expect(check.error == 0)
  }

  @Test func choicesAndComparisonsAreTaken() throws {
    let check = try PassCheck(
      [ramp([3, 200]), ramp([3, 200], seed: 7)], lastStage: .layout
    ) { b, x in
      let condition = try b.apply(Greater(), x[0], x[1])
      let low = try b.constant(Tensor(scalar: Float(-3)))
      let chosen = try b.apply(Where(), condition, x[0], low)
      return [try b.apply(Mul(), chosen, b.apply(Cast(to: .float32), condition))]
    }
    #expect(check.after == ["ElementwiseChain"])
    #expect(check.error == 0)
  }

  @Test func whatOthersUseStaysOut() throws {
    let check = try PassCheck([ramp([3, 200])], lastStage: .layout) { b, x in
      let e = try b.apply(Exp(), x[0])
      let sum = try b.apply(CumSum(CumulativeOptions()), e, b.constant(Tensor(scalar: Int64(1))))
      return [try b.apply(Add(), b.apply(Neg(), e), sum)]
    }
    #expect(check.after == ["Exp", "CumSum", "ElementwiseChain"])
    #expect(check.error == 0)
  }

  @Test func valuesThatTheGraphPutsOutAreResults() throws {
    let check = try PassCheck([ramp([3, 200])], lastStage: .layout) { b, x in
      let e = try b.apply(Exp(), x[0])
      let n = try b.apply(Neg(), e)
      return [try b.apply(Sin(), n), e]
    }
    #expect(check.after == ["ElementwiseChain"])
    #expect(check.error == 0)
  }

  @Test func smallerResultsAreMadeOnce() throws {
    let check = try PassCheck([ramp([3, 600]), ramp([3, 1])], lastStage: .layout) { b, x in
      let small = try b.apply(Exp(), b.apply(Sin(), x[1]))
      return [try b.apply(Neg(), b.apply(Mul(), x[0], small))]
    }
    #expect(check.after == ["ElementwiseChain", "ElementwiseChain"])
    #expect(check.error == 0)
  }

  @Test func sizesMayBeOpen() throws {
    let check = try PassCheck(
      [ramp([4, 150]), ramp([150])], sizes: [["n", ""]], lastStage: .layout
    ) { b, x in
      [try b.apply(Sin(), b.apply(Add(), x[0], x[1]))]
    }
    #expect(check.after == ["ElementwiseChain"])
    #expect(check.error == 0)
  }

  @Test func shortRowsStayWhereLittleIsSaved() throws {
    let check = try PassCheck(
      [ramp([40, 9]), ramp([40, 1]), ramp([40, 1], seed: 3)], lastStage: .layout
    ) { b, x in
      [try b.apply(Mul(), b.apply(Add(), x[0], x[1]), x[2])]
    }
    #expect(check.after == ["Add", "Mul"])
  }
  @Test func onePassSavedDoesNotPayForRowsThatTakeTilesApart() throws {
    for (width, isFused) in [(30, true), (100, false), (300, false), (600, true)] {
      let check = try PassCheck(
        [ramp([4, 1, width]), ramp([4, 1, 1])], lastStage: .layout
      ) { b, x in [try b.apply(Relu(), b.apply(Sub(), x[0], x[1]))] }
      #expect(check.after == (isFused ? ["ElementwiseChain"] : ["Sub", "Relu"]))
    }
  }

  @Test func channelsOfImagesHaveLongStretches() throws {
    let check = try PassCheck(
      [ramp([1, 3, 28, 28]), ramp([3, 1, 1])], lastStage: .layout
    ) { b, x in [try b.apply(Relu(), b.apply(Sub(), x[0], x[1]))] }
    #expect(check.after == ["ElementwiseChain"])
    #expect(check.error == 0)
  }
}
