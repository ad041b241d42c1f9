import Tensors

/// `CategoryEncoding`: integers below a number of tokens as vectors.
struct CategoryEncodingLayer: KerasLayer {
  let depth: Int
  let encoding: CategoryEncoding

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    depth = try config.int("num_tokens")
    encoding = try CategoryEncoding(config, default: "multi_hot")
    guard depth > 0 else { throw EngineError(.malformed, "'\(config.name)' has no tokens") }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.raw()
    let weights = call.argument(1, "count_weights")?.tensor?.id
    return .id(
      try encoding.encode(x.id, depth: depth, as: call.dtype, weights: weights, call))
  }
}
