import Graphs
import Operators
import Tensors
import Testing

@Suite struct LinearFusionTests {
  @Test func biasFunctionAndResidual() throws {
    let check = try PassCheck([ramp([2, 5, 7]), ramp([2, 5, 6], seed: 4)]) { b, x in
      let w = try b.constant(ramp([7, 6], seed: 1))
      let bias = try b.constant(ramp([6], seed: 2))
      let y = try b.apply(Gelu(), b.apply(Add(), bias, b.apply(MatMul(), x[0], w)))
      return [try b.apply(Add(), x[1], y)]
    }
    #expect(check.after == ["FusedLinear"])
    #expect(check.error < 1e-6)
  }

  @Test func everyFunction() throws {
    let ops: [any Operator] = [
      Relu(), Sigmoid(), Tanh(), HardSwish(), Softplus(), LeakyRelu(alpha: 0.2), Elu(),
      HardSigmoid(), Swish(), Gelu(isTanh: true), Mish(), Clip(lower: -0.5, upper: 0.25),
    ]
    for op in ops {
      let check = try PassCheck([ramp([33, 40])]) { b, x in
        let y = try b.apply(MatMul(), x[0], b.constant(ramp([40, 300], scale: 0.2, seed: 1)))
        return [try open(op, b, y)]
      }
      #expect(check.after == ["FusedLinear"] || op is Mish)
      #expect(check.error < 1e-5)
    }
    func open(_ op: some Operator, _ b: GraphBuilder, _ x: ValueID) throws -> ValueID {
      try b.apply(op, x)
    }
  }

  @Test func flattenedRows() throws {
    let check = try PassCheck([ramp([2, 5, 7])]) { b, x in
      let rows = try b.apply(Reshape(), x[0], b.constant(Tensor([-1, 7] as [Int64])))
      let y = try b.apply(
        Gemm(transB: true), rows, b.constant(ramp([6, 7], seed: 1)), b.constant(ramp([6])))
      return [try b.apply(Reshape(), y, b.constant(Tensor([2, 5, 6] as [Int64])))]
    }
    #expect(check.after == ["FusedLinear"])
    #expect(check.error < 1e-6)
  }

  @Test func productsWithOtherUsesStay() throws {
    let check = try PassCheck([ramp([3, 4])]) { b, x in
      let y = try b.apply(MatMul(), x[0], b.constant(ramp([4, 5], seed: 1)))
      return [y, try b.apply(Relu(), y), try b.apply(Add(), y, b.constant(ramp([5])))]
    }
    #expect(check.after.sorted() == ["Add", "MatMul", "Relu"])
  }

  @Test func vectorsAlongOtherAxesStay() throws {
    let check = try PassCheck([ramp([3, 4])]) { b, x in
      let y = try b.apply(MatMul(), x[0], b.constant(ramp([4, 5], seed: 1)))
      return [try b.apply(Add(), y, b.constant(ramp([3, 1])))]
    }
    #expect(check.after == ["MatMul", "Add"])
  }
}
