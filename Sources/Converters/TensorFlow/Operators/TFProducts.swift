import Graphs
import Tensors

/// Matrix products.
enum TFProducts {
  static let operators: [TFOperator] =
    ["MatMul", "SparseMatMul"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        try product(c, try c.a.bool("transpose_a"), try c.a.bool("transpose_b"))
      }
    }
    + ["BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        try product(c, try c.a.bool("adj_x"), try c.a.bool("adj_y"))
      }
    }
    + [
      TFOperator("_FusedMatMul") { (c) throws(EngineError) in
        try TFConvolutions.fused(
          c, try product(c, try c.a.bool("transpose_a"), try c.a.bool("transpose_b")))
      },
      TFOperator("Einsum") { (c) throws(EngineError) in
        try c.b.onnx(
          "Einsum", try c.tensors(), [.string("equation", try c.a.string("equation"))])
      },
    ]

  private static func product(
    _ c: TFCall, _ turnsX: Bool, _ turnsY: Bool
  ) throws(EngineError) -> ValueID {
    let b = c.b
    let x = try turnsX ? b.turned(try c.tensor(0)) : c.tensor(0)
    let y = try turnsY ? b.turned(try c.tensor(1)) : c.tensor(1)
    if b.dtype(x) == .int8 || b.dtype(x) == .uint8 {
      return try b.onnx("MatMulInteger", [x, y])
    }
    return try b.onnx("MatMul", [x, y])
  }
}
