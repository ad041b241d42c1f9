import Graphs
import Operators
import Tensors
import Testing

@Suite struct LinearAffineTests {
  @Test func factorsAndSumsGoIntoTheMatrix() throws {
    let check = try PassCheck([ramp([2, 5])], level: .basic) { b, x in
      let y = try b.apply(MatMul(), x[0], try b.constant(ramp([5, 3], seed: 3)))
      let scaled = try b.apply(Mul(), try b.constant(ramp([3], seed: 5)), y)
      let moved = try b.apply(Sub(), scaled, try b.constant(ramp([1, 3], seed: 1)))
      return [try b.apply(Div(), moved, try b.constant(Tensor(scalar: 4 as Float)))]
    }
    #expect(check.after == ["Gemm"])
    #expect(check.error < 1e-6)
  }

  @Test func aNormAfterALayer() throws {
    let check = try PassCheck([ramp([4, 5])], level: .basic) { b, x in
      let y = try b.apply(
        Gemm(alpha: 0.5, transB: true), x[0], try b.constant(ramp([3, 5], seed: 3)),
        try b.constant(ramp([3], seed: 2)))
      let list = try (0..<3).map { try b.constant(ramp([3], seed: $0 * 3)) }
      let variance = try b.constant(Tensor([0.5, 1, 2] as [Float]))
      return [
        try b.apply(BatchNormalization(), inputs: [y, list[0], list[1], list[2], variance])
      ]
    }
    #expect(check.after == ["Gemm"])
    #expect(check.error < 1e-6)
  }

  @Test func aNormBeforeALayer() throws {
    for transB in [false, true] {
      for hasBias in [false, true] {
        let check = try PassCheck([ramp([4, 5])], level: .basic) { b, x in
          let list = try (0..<3).map { try b.constant(ramp([5], seed: $0 * 3)) }
          let variance = try b.constant(Tensor([0.5, 1, 2, 0.25, 3] as [Float]))
          let y = try b.apply(
            BatchNormalization(),
            inputs: [try b.apply(Relu(), x[0]), list[0], list[1], list[2], variance])
          let w = try b.constant(ramp(transB ? [3, 5] : [5, 3], seed: 3))
          let bias = hasBias ? [try b.constant(ramp([3], seed: 2))] : []
          return [
            try b.apply(Gemm(alpha: 0.5, beta: 2, transB: transB), inputs: [y, w] + bias)
          ]
        }
        #expect(check.after == ["Relu", "Gemm"])
        #expect(check.error < 1e-6)
      }
    }
  }

  @Test func aNormWithOtherUsesStays() throws {
    let check = try PassCheck([ramp([4, 5])], level: .basic) { b, x in
      let list = try (0..<3).map { try b.constant(ramp([5], seed: $0 * 3)) }
      let variance = try b.constant(Tensor([0.5, 1, 2, 0.25, 3] as [Float]))
      let y = try b.apply(
        BatchNormalization(), inputs: [x[0], list[0], list[1], list[2], variance])
      return [y, try b.apply(MatMul(), y, try b.constant(ramp([5, 3], seed: 3)))]
    }
    #expect(check.after.sorted() == ["BatchNormalization", "MatMul"])
  }

  @Test func productsOfMoreAxesKeepTheirSum() throws {
    let check = try PassCheck([ramp([2, 4, 5])], level: .basic) { b, x in
      let y = try b.apply(MatMul(), x[0], try b.constant(ramp([5, 3], seed: 3)))
      let z = try b.apply(Mul(), y, try b.constant(ramp([3], seed: 5)))
      return [try b.apply(Add(), z, try b.constant(ramp([3], seed: 1)))]
    }
    #expect(check.after == ["MatMul", "Add"])
    #expect(check.error < 1e-6)
  }

  @Test func constantsOfOtherAxesAndOtherUsesStay() throws {
    let check = try PassCheck([ramp([3, 5])], level: .basic) { b, x in
      let w = try b.constant(ramp([5, 3], seed: 3))
      let y = try b.apply(MatMul(), x[0], w)
      let other = try b.apply(MatMul(), try b.apply(Exp(), x[0]), w)
      return [
        y, try b.apply(Mul(), y, try b.constant(ramp([3], seed: 5))),
        try b.apply(Mul(), other, try b.constant(ramp([3, 1], seed: 5))),
        try b.apply(Sub(), try b.constant(ramp([3], seed: 5)), other),
      ]
    }
    #expect(check.after.sorted() == ["Exp", "MatMul", "MatMul", "Mul", "Mul", "Sub"])
  }
}
