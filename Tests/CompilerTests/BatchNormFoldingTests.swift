import Graphs
import Operators
import Tensors
import Testing

@Suite struct BatchNormFoldingTests {
  @Test func aNormAfterAConvolutionGoesIntoItsWeights() throws {
    let check = try PassCheck([ramp([2, 3, 6, 5])], level: .basic) { b, x in
      let w = try b.constant(ramp([4, 3, 3, 3], seed: 5))
      let y = try b.apply(Conv(), x[0], w)
      let list = try (0..<4).map { try b.constant(ramp([4], seed: $0 * 3)) }
      let variance = try b.constant(Tensor([0.5, 1, 2, 0.25] as [Float]))
      return [
        try b.apply(BatchNormalization(), inputs: [y, list[0], list[1], list[2], variance])
      ]
    }
    #expect(check.after == ["Conv"])
    #expect(check.error < 1e-6)
  }

  @Test func transposedConvolutionsInGroups() throws {
    let check = try PassCheck([ramp([1, 4, 3, 3])], level: .basic) { b, x in
      let w = try b.constant(ramp([4, 3, 2, 2], seed: 5))
      let bias = try b.constant(ramp([6], seed: 9))
      let y = try b.apply(ConvTranspose(group: 2), x[0], w, bias)
      let list = try (0..<3).map { try b.constant(ramp([6], seed: $0 * 3)) }
      let variance = try b.constant(Tensor([0.5, 1, 2, 0.25, 3, 1] as [Float]))
      return [
        try b.apply(BatchNormalization(), inputs: [y, list[0], list[1], list[2], variance])
      ]
    }
    #expect(check.after == ["ConvTranspose"])
    #expect(check.error < 1e-6)
  }

  @Test func aNormOfRowsGoesIntoTheProductBeforeThem() throws {
    for isWide in [true, false] {
      let check = try PassCheck([ramp([2, 5, 6])], level: .basic) { b, x in
        let y = try b.apply(MatMul(), x[0], try b.constant(ramp([6, 4], seed: 5)))
        let rows = try b.constant(Tensor((isWide ? [10, 4] : [20, 2]) as [Int64]))
        let flat = try b.apply(Reshape(), y, rows)
        let n = isWide ? 4 : 2
        let list = try (0..<3).map { try b.constant(ramp([n], seed: $0 * 3)) }
        let variance = try b.constant(Tensor((0..<n).map { Float($0) * 0.5 + 0.25 }))
        let z = try b.apply(
          BatchNormalization(), inputs: [flat, list[0], list[1], list[2], variance])
        return [try b.apply(Reshape(), z, try b.constant(Tensor([2, 5, 4] as [Int64])))]
      }
      #expect(check.after.contains("BatchNormalization") != isWide)
      #expect(check.error < 1e-6)
    }
  }

  @Test func aResultWithOtherUsesStays() throws {
    let check = try PassCheck([ramp([1, 2, 3, 3])], level: .basic) { b, x in
      let y = try b.apply(Conv(), x[0], try b.constant(ramp([2, 2, 1, 1], seed: 5)))
      let list = try (0..<3).map { try b.constant(ramp([2], seed: $0 * 3)) }
      let variance = try b.constant(Tensor([0.5, 1] as [Float]))
      let z = try b.apply(BatchNormalization(), inputs: [y, list[0], list[1], list[2], variance])
      return [y, z]
    }
    #expect(check.after == ["Conv", "BatchNormalization"])
  }
}
