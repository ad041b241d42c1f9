import Graphs
import Operators
import Tensors

/// `GlobalMaxPooling` and `GlobalAveragePooling`; averages over time leave masked steps out.
struct GlobalPoolingLayer: KerasLayer {
  let rank: Int
  let isMax: Bool
  let keepsDims: Bool
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    rank = try ConvolutionOptions.rank(config)
    isMax = config.className.hasPrefix("GlobalMax")
    keepsDims = try config.bool("keepdims", default: false)
    isFirst = try config.isChannelsFirst()
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    if let mask = x.mask ?? call.argument(1, "mask")?.tensor?.id, rank == 1, !isMax {
      return .id(try masked(x.id, mask, call))
    }
    return .id(try call.overSpace(x.id, rank: rank, isFirst: isFirst, keepDims: keepsDims, isMax))
  }

  private func masked(
    _ x: ValueID, _ mask: ValueID, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    let axis = isFirst ? 2 : 1
    let test = try call.cast(try call.unsqueeze(mask, [isFirst ? 1 : 2]), to: .bool)
    let kept = try call.select(test, x, try call.number(0, like: x))
    let weight = try call.cast(test, to: call.b.dtype(x) ?? call.dtype)
    let sum = try call.reduce(ReduceSum.self, kept, [axis], keepDims: keepsDims)
    return try call.div(
      sum, try call.reduce(ReduceSum.self, weight, [axis], keepDims: keepsDims))
  }
}

extension LayerCall {
  /// The mean or largest over the spatial axes, read channels first where `x` came from there.
  func overSpace(
    _ x: ValueID, rank: Int, isFirst: Bool, keepDims: Bool, _ isMax: Bool
  ) throws(EngineError) -> ValueID {
    guard let first = isFirst ? x : b.channelsFirstTwin(x) else {
      let axes = Array(1...rank)
      return isMax
        ? try reduce(ReduceMax.self, x, axes, keepDims: keepDims)
        : try reduce(ReduceMean.self, x, axes, keepDims: keepDims)
    }
    let y = isMax ? try b.apply(GlobalMaxPool(), first) : try b.apply(GlobalAveragePool(), first)
    if !keepDims { return try squeeze(y, Array(2..<(rank + 2))) }
    return isFirst ? y : try b.channelsLast(y)
  }
}
