import Compiler
import Graphs
import Operators
import Tensors
import Testing

/// Weights in few bits that a DequantizeLinear scales in blocks.
@Suite struct BlockWeightsTests {
  @Test func everyTypeAndDirection() throws {
    for dtype in [DType.int4, .uint4, .int8, .uint8] {
      for (isTurned, isGemm) in [(false, false), (true, false), (true, true)] {
        let check = try PassCheck([ramp([3, 70])]) { b, x in
          let shape: Shape = isTurned ? [24, 70] : [70, 24]
          let blocks: Shape = isTurned ? [24, 3] : [3, 24]
          let high = dtype.bits == 4 ? 7 : 100
          let whole = try Tensor(
            shape: shape,
            (0..<shape.count).map {
              Float($0 * 37 % (2 * high) - (dtype.isSignedInteger ? high : 0))
            })
          let w = try b.apply(Cast(to: dtype), b.constant(whole))
          let zero = try b.apply(
            Cast(to: dtype), b.constant(Tensor(shape: blocks, (0..<72).map { Float($0 % 5) })))
          let scale = try b.constant(
            Tensor(shape: blocks, (0..<72).map { Float($0 % 7 + 1) * 0.01 }))
          let numbers = try b.apply(
            DequantizeLinear(scales: .init(axis: isTurned ? 1 : 0, block: 32)),
            inputs: [w, scale, zero])
          if isGemm {
            return [
              try b.apply(Gemm(transB: true), x[0], numbers, b.constant(ramp([24])))
            ]
          }
          let right =
            isTurned ? try b.apply(Transpose(perm: [1, 0]), numbers) : numbers
          return [try b.apply(MatMul(), x[0], right)]
        }
        #expect(check.after == ["BlockLinear"], "\(dtype) \(isTurned) \(isGemm)")
        #expect(check.error < 1e-5)
      }
    }
  }

  @Test func otherBlocksAreFolded() throws {
    let check = try PassCheck([ramp([3, 40])], lastStage: .layout) { b, x in
      let w = try b.constant(
        Tensor(shape: [40, 8], (0..<320).map { Int8($0 * 37 % 200 - 100) }))
      let scale = try b.constant(ramp([2, 8]))
      let numbers = try b.apply(
        DequantizeLinear(scales: .init(axis: 0, block: 20)), inputs: [w, scale, nil])
      return [try b.apply(MatMul(), x[0], numbers)]
    }
    #expect(check.after == ["MatMul"])
    #expect(check.error < 1e-6)
  }
}

/// What is added to products with weights of few bits.
@Suite struct NBitsBiasTests {
  @Test func biasIsTakenIn() throws {
    let check = try PassCheck([ramp([3, 64])]) { b, x in
      let codes = try b.constant(
        Tensor(shape: [24, 2, 16], (0..<768).map { UInt8($0 * 37 % 256) }))
      let scales = try b.constant(Tensor((0..<48).map { Float($0 % 7 + 1) * 0.01 }))
      let y = try b.apply(MatMulNBits(k: 64, n: 24, block: 32), inputs: [x[0], codes, scales])
      return [try b.apply(Add(), b.constant(ramp([24])), y)]
    }
    #expect(check.after == ["MatMulNBits"])
    #expect(check.error < 1e-6)
  }
}
