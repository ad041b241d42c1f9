import Graphs
import Operators
import Tensors

/// Scaled dot-product attention.
enum TorchAttention {
  static let operators: [TorchOperator] = [
    .one("aten.scaled_dot_product_attention.default") { (c) throws(EngineError) in
      try attention(c, mask: "attn_mask")
    },
    TorchOperator("aten._scaled_dot_product_flash_attention_for_cpu.default") {
      (c) throws(EngineError) in [.tensor(try attention(c, mask: "attn_mask")), .none]
    },
    TorchOperator("aten._scaled_dot_product_attention_math_for_mps.default") {
      (c) throws(EngineError) in [.tensor(try attention(c, mask: "attn_mask")), .none]
    },
    TorchOperator("aten._scaled_dot_product_efficient_attention.default") {
      (c) throws(EngineError) in
      [.tensor(try attention(c, mask: "attn_bias")), .none, .none, .none]
    },
  ]

  private static func attention(_ c: TorchCall, mask: String) throws(EngineError) -> ValueID {
    var operands = [try c.x("query"), try c.x("key"), try c.x("value")]
    let rank = try c.rank(operands[0])
    guard rank == 3 || rank == 4 else {
      throw EngineError(.unsupported, "attention over \(rank) axes", expected: "3 or 4")
    }
    // [N, S, E] is one head of N.
    if rank == 3 {
      for i in 0..<3 { operands[i] = try c.unsqueezed(operands[i], [1]) }
    }
    var options = Attention.Options()
    options.isCausal = try c.bool("is_causal", false)
    if c.has("scale") { options.scale = Float(try c.double("scale", 1)) }
    var inputs: [ValueID?] = operands.map { $0 }
    if var mask = try c.optional(mask) {
      let maskRank = try c.rank(mask)
      if rank == 3, maskRank == 3 { mask = try c.unsqueezed(mask, [1]) }
      if maskRank < 2 { mask = try c.unsqueezed(mask, Array(0..<(2 - maskRank))) }
      if try c.dtype(of: mask) != .bool { mask = try c.cast(mask, try c.dtype(of: operands[0])) }
      inputs.append(mask)
    }
    let result = try c.builder.apply(Attention(options), inputs: inputs)
    return rank == 3 ? try c.squeezed(result, [1]) : result
  }
}
