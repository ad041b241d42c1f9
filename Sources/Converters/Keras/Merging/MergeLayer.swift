import Graphs
import Operators
import Tensors

/// `Add`, `Subtract`, `Multiply`, `Average`, `Maximum` and `Minimum` of several inputs.
///
/// Inputs of fewer axes get axes of size 1 behind the batch.
struct MergeLayer: KerasLayer {
  private let kind: String

  init(_ config: KerasConfig, _ reader: KerasReader) { kind = config.className }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let inputs = try call.inputs()
    var ids = inputs.map(\.id)
    var rank = 0
    for x in ids { rank = Swift.max(rank, try call.rank(x)) }
    for (i, x) in ids.enumerated() {
      let missing = rank - (try call.rank(x))
      if missing > 0 { ids[i] = try call.unsqueeze(x, Array(1...missing)) }
    }
    let firsts = ids.compactMap { call.b.channelsFirstTwin($0) }
    let isFirst = firsts.count == ids.count
    let y = try merged(isFirst ? firsts : ids, call)
    return .tensor(
      KerasTensor(
        isFirst ? try call.b.channelsLast(y) : y, mask: try call.eitherMask(inputs)))
  }

  private func merged(_ list: [ValueID], _ call: LayerCall) throws(EngineError) -> ValueID {
    guard var y = list.first else { throw call.unsupported("it merges nothing") }
    if kind == "Maximum" { return try call.b.apply(Max(), inputs: list) }
    if kind == "Minimum" { return try call.b.apply(Min(), inputs: list) }
    for x in list.dropFirst() {
      switch kind {
      case "Subtract": y = try call.sub(y, x)
      case "Multiply": y = try call.mul(y, x)
      default: y = try call.add(y, x)
      }
    }
    return kind == "Average" ? try call.div(y, Double(list.count)) : y
  }
}

extension LayerCall {
  /// The mask of a merge: where any input counts; nil where one of them has none.
  func eitherMask(_ inputs: [KerasTensor]) throws(EngineError) -> ValueID? {
    let masks = inputs.compactMap(\.mask)
    guard masks.count == inputs.count, var result = masks.first else { return nil }
    for mask in masks.dropFirst() where mask != result {
      result = try b.apply(Or(), result, mask)
    }
    return result
  }
}
