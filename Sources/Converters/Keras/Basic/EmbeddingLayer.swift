import Graphs
import Operators
import Tensors

/// Rows of a matrix by index; also `ReversibleEmbedding`, whose reverse is a product with it.
struct EmbeddingLayer: KerasLayer {
  let masksZero: Bool
  let isReversible: Bool
  let tiesWeights: Bool
  let softCap: Double?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    masksZero = try config.bool("mask_zero", default: false)
    isReversible = config.className == "ReversibleEmbedding"
    tiesWeights = try config.bool("tie_weights", default: true)
    softCap = try config.optionalDouble("logit_soft_cap")
  }

  var variables: [KerasVariable] {
    [KerasVariable("embeddings")]
      + (isReversible && !tiesWeights ? [KerasVariable("reverse_embeddings")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let b = call.b
    if case .bool(true)? = call.argument(1, "reverse")?.plain { return try reverse(call) }
    let x = try call.raw()
    let found = b.dtype(x.id)
    let indices = found == .int32 || found == .int64 ? x.id : try call.cast(x.id, to: .int32)
    let rows = try b.apply(Gather(axis: 0), try call.weight(0), indices)
    guard masksZero else { return .id(rows) }
    let mask = try call.not(try b.apply(Equal(), x.id, try call.number(0, like: x.id)))
    return .tensor(KerasTensor(rows, mask: mask))
  }

  /// Scores of each row: the product with the matrix turned, or with one of its own.
  private func reverse(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let kernel =
      tiesWeights
      ? try call.weight(0, form: "turned") { (w) throws(EngineError) in
        try Eager().apply(Transpose(perm: [1, 0]), w)
      } : try call.weight(1)
    var y = try call.matmul(x.id, kernel)
    if let softCap {
      y = try call.mul(try call.b.apply(Tanh(), try call.div(y, softCap)), softCap)
    }
    return .id(y)
  }
}
