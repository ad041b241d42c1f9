import Graphs
import Operators
import Tensors

/// Zeros around the spatial axes.
struct ZeroPaddingLayer: KerasLayer {
  let edges: [(before: Int, after: Int)]
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    edges = try config.edges("padding")
    isFirst = try config.isChannelsFirst()
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return .id(
      try call.onSpace(x.id, isFirst: isFirst) { (y, from) throws(EngineError) in
        try call.pad(y, edges, axes: Array(from..<(from + edges.count)))
      })
  }
}
