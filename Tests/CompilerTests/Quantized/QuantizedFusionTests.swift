import Compiler
import Graphs
import Operators
import Tensors
import Testing

/// Products of 8-bit codes: what QDQ graphs and dynamic quantisation become.
@Suite struct QuantizedFusionTests {
  private let s = 0.011 as Float

  private func codes(_ shape: Shape, seed: Int = 0) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Int8(($0 + seed) * 7919 % 251 - 125) })
  }

  /// `x` as codes and back.
  private func rounded(
    _ b: GraphBuilder, _ x: ValueID, _ scale: Float, _ zero: UInt8
  ) throws -> ValueID {
    let (s, z) = (try b.constant(Tensor(scalar: scale)), try b.constant(Tensor(scalar: zero)))
    let q = try b.apply(QuantizeLinear(), inputs: [x, s, z])
    return try b.apply(DequantizeLinear(), inputs: [q, s, z])
  }

  private func weights(
    _ b: GraphBuilder, _ k: Int, _ n: Int, perColumn: Bool = true, axis: Int = 1
  ) throws -> ValueID {
    let w = try b.constant(codes([k, n], seed: 3))
    let count = axis == 0 ? k : n
    let scales =
      perColumn
      ? try Tensor((0..<count).map { Float($0 % 5 + 1) * 0.004 }) : try Tensor(scalar: s)
    return try b.apply(
      DequantizeLinear(scales: .init(axis: axis)), inputs: [w, b.constant(scales), nil])
  }

  @Test func layerOfATransformer() throws {
    let check = try PassCheck([ramp([2, 5, 24])]) { b, x in
      let a = try rounded(b, x[0], 0.008, 120)
      var y = try b.apply(MatMul(), a, weights(b, 24, 40))
      y = try rounded(b, y, 0.02, 127)
      y = try b.apply(Add(), b.constant(ramp([40], scale: 0.5)), y)
      y = try rounded(b, b.apply(Gelu(), y), 0.013, 10)
      y = try b.apply(MatMul(), y, weights(b, 40, 24, perColumn: false))
      y = try b.apply(Add(), y, b.constant(ramp([24], scale: 0.5)))
      return [try b.apply(Add(), y, a)]
    }
    #expect(check.after == ["QuantizeLinear", "QuantizedLinear", "QuantizedLinear"])
    // A step of what goes in between, times a row of weights.
    #expect(check.error < 0.02)
  }

  @Test func transposedWeightsAndGemm() throws {
    let check = try PassCheck([ramp([7, 24])]) { b, x in
      let a = try rounded(b, x[0], 0.008, 120)
      let turned = try b.apply(Transpose(perm: [1, 0]), weights(b, 40, 24, axis: 0))
      let y = try b.apply(MatMul(), a, turned)
      let z = try b.apply(
        Gemm(transB: true), a, weights(b, 40, 24, axis: 0), b.constant(ramp([40])))
      return [y, z]
    }
    #expect(check.after == ["QuantizeLinear", "QuantizedLinear", "QuantizedLinear"])
    #expect(check.error < 1e-5)
  }

  @Test func scalesAlongTheSumStay() throws {
    let check = try PassCheck([ramp([7, 24])]) { b, x in
      let a = try rounded(b, x[0], 0.008, 120)
      return [try b.apply(MatMul(), a, weights(b, 24, 40, axis: 0))]
    }
    #expect(!check.after.contains("QuantizedLinear"))
    #expect(check.error < 1e-6)
  }

  @Test func weightsOfFloatProductsAreFolded() throws {
    let check = try PassCheck([ramp([7, 24])], lastStage: .layout) { b, x in
      [try b.apply(MatMul(), x[0], weights(b, 24, 40))]
    }
    #expect(check.after == ["MatMul"])
  }

  @Test func productsWithOtherUsesKeepTheirCodes() throws {
    let check = try PassCheck([ramp([7, 24])]) { b, x in
      let y = try b.apply(MatMul(), rounded(b, x[0], 0.008, 120), weights(b, 24, 40))
      return [y, try rounded(b, y, 0.02, 127)]
    }
    #expect(check.after.filter { $0 == "QuantizedLinear" }.count == 1)
    #expect(check.after.filter { $0 == "QuantizeLinear" }.count == 2)
    #expect(check.error < 0.02)
  }

  @Test func dynamicQuantisation() throws {
    for (perColumn, zero) in [(false, nil), (true, 0), (true, 3)] as [(Bool, Int8?)] {
      let check = try PassCheck([ramp([2, 5, 24])]) { b, x in
        let q = try b.apply(DynamicQuantizeLinear(), inputs: [x[0]], outputs: 3)
        let w = try b.constant(codes([24, 40]))
        let z = try zero.map { try b.constant(Tensor(scalar: $0)) }
        let sum = try b.apply(MatMulInteger(), inputs: [q[0], w, q[2], z])
        let ws =
          perColumn
          ? try Tensor((0..<40).map { Float($0 % 5 + 1) * 0.004 }) : try Tensor(scalar: s)
        let scale = try b.apply(Mul(), q[1], b.constant(ws))
        var y = try b.apply(Mul(), b.apply(Cast(to: .float32), sum), scale)
        y = try b.apply(Add(), b.constant(ramp([40])), y)
        return [try b.apply(Relu(), y)]
      }
      #expect(check.after == ["DynamicQuantizeLinear", "QuantizedLinear"])
      #expect(check.error == 0)
    }
  }

  @Test func attention() throws {
    for (rounds, masks) in [(true, false), (false, true), (true, true)] {
      let check = try PassCheck([ramp([2, 6, 3, 8]), ramp([2, 1, 1, 6])]) { b, x in
        func heads(_ perm: [Int], _ seed: UInt8) throws -> ValueID {
          try rounded(b, b.apply(Transpose(perm: perm), x[0]), 0.009, 120 + seed)
        }
        var y = try b.apply(MatMul(), heads([0, 2, 1, 3], 0), heads([0, 2, 3, 1], 1))
        if rounds { y = try rounded(b, y, 0.02, 99) }
        y = try b.apply(Mul(), y, b.constant(Tensor(scalar: 0.35 as Float)))
        if masks { y = try b.apply(Add(), y, x[1]) }
        y = try rounded(b, b.apply(Softmax(), y), 1 / 255, 0)
        y = try rounded(b, b.apply(MatMul(), y, heads([0, 2, 1, 3], 2)), 0.008, 126)
        return [try b.apply(Transpose(perm: [0, 2, 1, 3]), y)]
      }
      #expect(check.after.contains("QuantizedAttention"))
      #expect(!check.after.contains("MatMul") && !check.after.contains("Softmax"))
      #expect(check.error < 0.02)
    }
  }

  @Test func movementsTakeCodes() throws {
    let check = try PassCheck([ramp([2, 6, 24])]) { b, x in
      var y = try b.apply(
        Reshape(), x[0], b.constant(Tensor([2, 6, 3, 8] as [Int64])))
      y = try rounded(b, b.apply(Transpose(perm: [0, 2, 1, 3]), y), 0.009, 120)
      y = try b.apply(Transpose(perm: [0, 2, 1, 3]), y)
      return [try rounded(b, y, 0.009, 120)]
    }
    #expect(check.after.filter { $0 == "QuantizeLinear" }.count == 1)
    #expect(check.error == 0)
  }
}

/// What depends on a code alone becomes a table.
@Suite struct CodeTablesTests {
  @Test func geluInPieces() throws {
    let check = try PassCheck([ramp([3, 40], scale: 2)]) { b, x in
      func rounded(_ v: ValueID, _ scale: Float, _ zero: UInt8) throws -> ValueID {
        let (s, z) = (try b.constant(Tensor(scalar: scale)), try b.constant(Tensor(scalar: zero)))
        return try b.apply(
          DequantizeLinear(), inputs: [b.apply(QuantizeLinear(), inputs: [v, s, z]), s, z])
      }
      func number(_ v: Float) throws -> ValueID { try b.constant(Tensor(scalar: v)) }
      let a = try rounded(x[0], 0.02, 99)
      let d = try rounded(b.apply(Div(), a, number(1.4142135)), 0.015, 98)
      let e = try rounded(b.apply(Erf(), d), 0.0079, 127)
      let f = try rounded(b.apply(Add(), e, number(1)), 0.0079, 0)
      let g = try rounded(b.apply(Mul(), a, f), 0.03, 12)
      return [try rounded(b.apply(Mul(), g, number(0.5)), 0.015, 12)]
    }
    #expect(check.after == ["QuantizeLinear", "CodeTable", "DequantizeLinear"])
    #expect(check.error == 0)
  }
}
