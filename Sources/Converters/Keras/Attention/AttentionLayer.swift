import Graphs
import Operators
import Tensors

/// `Attention` and `AdditiveAttention`: values weighed by how well keys fit queries.
///
/// Called with [query, value] or [query, value, key], each `[N, T, D]`.
struct AttentionLayer: KerasLayer {
  let isAdditive: Bool
  let isConcat: Bool
  let scales: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    isAdditive = config.className == "AdditiveAttention"
    isConcat =
      try config.choice("score_mode", ["dot", "concat"], default: "dot") == "concat" && !isAdditive
    scales = try config.bool("use_scale", default: isAdditive)
  }

  var variables: [KerasVariable] {
    (scales ? [KerasVariable("scale")] : []) + (isConcat ? [KerasVariable("concat_weight")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let inputs = try call.inputs()
    guard inputs.count == 2 || inputs.count == 3 else {
      throw EngineError(.malformed, "'\(call.name)' is not called with query, value and key")
    }
    let b = call.b
    let (query, value) = (inputs[0], inputs[1])
    let key = inputs.count == 3 ? inputs[2] : value
    let masks = call.argument(1, "mask")?.tensors.map(\.id)
    let queryMask = masks?.first ?? query.mask
    let valueMask = masks.flatMap { $0.count > 1 ? $0[1] : nil } ?? value.mask

    var scores = try score(query.id, key.id, call)
    var allowed = try valueMask.map { (m) throws(EngineError) in
      try call.unsqueeze(try call.cast(m, to: .bool), [1])
    }
    if call.flag(4, "use_causal_mask") {
      let causal = try call.unsqueeze(try call.causalMask(query.id, key.id), [0])
      allowed = try call.both(allowed, causal)
    }
    if let allowed {
      let far: Double = b.dtype(scores) == .float16 ? 65504 : 1e9
      scores = try call.select(allowed, scores, try call.sub(scores, far))
    }
    let weights = try b.apply(Softmax(SoftmaxAxis(-1)), scores)
    var y = try call.matmul(weights, value.id)
    if let queryMask {
      let test = try call.unsqueeze(try call.cast(queryMask, to: .bool), [2])
      y = try call.select(test, y, try call.number(0, like: y))
    }
    let result = KerasValue.tensor(KerasTensor(y, mask: queryMask))
    return call.flag(3, "return_attention_scores") ? .list([result, .id(weights)]) : result
  }

  /// `[N, Tq, Tk]`.
  private func score(
    _ query: ValueID, _ key: ValueID, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    let b = call.b
    guard isAdditive || isConcat else {
      let turned = try call.transpose(key, [0, 2, 1])
      let product = try call.matmul(query, turned)
      return scales ? try call.mul(product, try call.weight(0)) : product
    }
    var sum = try call.add(try call.unsqueeze(query, [2]), try call.unsqueeze(key, [1]))
    if isConcat {
      if scales { sum = try call.mul(sum, try call.weight(0)) }
      let folded = try call.reduce(ReduceSum.self, try b.apply(Tanh(), sum), [-1])
      return try call.mul(folded, try call.weight(scales ? 1 : 0))
    }
    var bent = try b.apply(Tanh(), sum)
    if scales { bent = try call.mul(bent, try call.weight(0)) }
    return try call.reduce(ReduceSum.self, bent, [-1])
  }
}
