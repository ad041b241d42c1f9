import Graphs
import Operators
import Tensors

/// How integers become vectors: themselves, one-hot, multi-hot, or counted.
enum CategoryEncoding: String, Sendable {
  case int, oneHot = "one_hot", multiHot = "multi_hot", count, weighted = "tf_idf"

  init(_ config: KerasConfig, default fallback: String) throws(EngineError) {
    let name = try config.string("output_mode", default: fallback).lowercased()
    let old = ["binary": "multi_hot", "tf-idf": "tf_idf"]
    guard let known = CategoryEncoding(rawValue: old[name] ?? name) else {
      throw EngineError(
        .unsupported, "the output mode '\(name)' is not converted",
        expected: "int, one_hot, multi_hot, count or tf_idf")
    }
    self = known
    // A dense graph says the same.
    if try config.bool("sparse", default: false) {
      throw EngineError(.unsupported, "sparse outputs are not converted")
    }
  }

  /// Indices as vectors of `depth`; indices from `depth` on count nowhere.
  ///
  /// - `weights`: what each index counts, in its place, for `count`.
  func encode(
    _ x: ValueID, depth: Int, as dtype: DType, weights: ValueID? = nil, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    if self == .int { return try call.cast(x, to: dtype) }
    var indices = try call.cast(x, to: .int64)
    let rank = try call.rank(indices)
    if self == .oneHot, rank > 1, try call.dims(indices)[rank - 1].known == 1 {
      indices = try call.squeeze(indices, [-1])
    }
    let hot = try call.b.apply(
      OneHot(axis: -1), indices, try call.b.scalar(depth), try hotAndCold(dtype, call))
    switch self {
    case .int, .oneHot: return hot
    case .multiHot: return try call.reduce(ReduceMax.self, hot, [rank > 1 ? 1 : 0])
    case .count, .weighted:
      var counted = hot
      if let weights {
        counted = try call.mul(
          hot, try call.unsqueeze(try call.cast(weights, to: dtype), [-1]))
      }
      return try call.reduce(ReduceSum.self, counted, [rank > 1 ? 1 : 0])
    }
  }

  private func hotAndCold(_ dtype: DType, _ call: LayerCall) throws(EngineError) -> ValueID {
    try call.b.constant(try Eager().apply(Cast(to: dtype), try Tensor([0, 1] as [Float])))
  }
}
