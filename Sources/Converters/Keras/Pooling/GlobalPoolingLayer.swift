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
    func fold(_ x: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
      isMax
        ? try reduce(ReduceMax.self, x, axes, keepDims: keepDims)
        : try reduce(ReduceMean.self, x, axes, keepDims: keepDims)
    }
    if isFirst { return try fold(x, Array(2..<(rank + 2))) }
    guard let first = b.channelsFirstTwin(x) else { return try fold(x, Array(1...rank)) }
    let y = try fold(first, Array(2..<(rank + 2)))
    return keepDims ? try b.channelsLast(y) : y
  }
}
