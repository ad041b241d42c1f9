import Graphs
import Tensors

/// Matrix products.
enum LiteProducts {
  static let operators: [LiteOperator] = [
    LiteOperator("FULLY_CONNECTED") { (c) throws(EngineError) in
      let b = c.b
      guard try c.optionByte(1) == 0 else {
        throw EngineError(.unsupported, "shuffled weights are not read")
      }
      let sizes = try b.sizes(try c.stored(1))
      guard sizes.count == 2 else { throw EngineError(.invalidModel, "the weights are no matrix") }
      let x = try c.number(0)
      let bias = c.has(2) ? try c.number(2) : nil
      let result: ValueID
      if try c.optionFlag(2), try b.rank(x) != 2 {
        let product = try b.onnx("MatMul", [x, try c.weight(1, [1, 0], scaleAxis: 1)])
        result = try bias.map { (v) throws(EngineError) in try b.add(product, v) } ?? product
      } else {
        let rows = try b.rank(x) == 2 ? x : try b.reshape(x, [-1, sizes[1]])
        result = try b.onnx(
          "Gemm", [rows, try c.number(1), bias].dropLastNil(), [.int("transB", 1)])
      }
      return try c.activated(result, try c.optionByte(0))
    },
    LiteOperator("BATCH_MATMUL") { (c) throws(EngineError) in
      let b = c.b
      let x = try c.optionFlag(0) ? b.turned(try c.number(0)) : c.number(0)
      let y = try c.optionFlag(1) ? b.turned(try c.number(1)) : c.number(1)
      return try b.onnx("MatMul", [x, y])
    },
    LiteOperator("EMBEDDING_LOOKUP") { (c) throws(EngineError) in
      try c.b.onnx("Gather", [try c.number(1), try c.stored(0)])
    },
  ]
}
