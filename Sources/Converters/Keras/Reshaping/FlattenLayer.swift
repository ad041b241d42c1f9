import Operators
import Graphs
import Tensors

/// All axes behind the batch as one, in channels-last order.
struct FlattenLayer: KerasLayer {
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    isFirst = try config.isChannelsFirst()
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let rank = try call.rank(x.id)
    guard rank > 1 else { return .id(try call.unsqueeze(x.id, [1])) }
    let y = isFirst ? try call.b.channelsLast(x.id) : x.id
    return .id(try call.flattened(y))
  }
}

extension LayerCall {
  /// `[N, ...]` as `[N, rest]`.
  func flattened(_ x: ValueID) throws(EngineError) -> ValueID {
    let rest = try dims(x).dropFirst()
    if rest.count == 1 { return x }
    var count = 1
    for dim in rest {
      let (next, overflow) = count.multipliedReportingOverflow(by: dim.known ?? 0)
      count = overflow ? 0 : next
    }
    return try reshape(x, [0, count > 0 ? count : -1])
  }
}
