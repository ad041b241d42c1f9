import Graphs
import Operators
import Tensors

/// The number of boundaries that are not above an element.
struct DiscretizationLayer: KerasLayer {
  let boundaries: [Double]
  let encoding: CategoryEncoding

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard config["bin_boundaries"] != nil else {
      throw EngineError(.unsupported, "its boundaries were never given or adapted")
    }
    boundaries = try config.numbers("bin_boundaries", default: 0).values
    encoding = try CategoryEncoding(config, default: "int")
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.raw()
    let wide = try call.unsqueeze(
      call.b.dtype(x.id)?.isFloat == true ? x.id : try call.cast(x.id, to: .float32), [-1])
    let edges = try Eager().apply(
      Cast(to: call.b.dtype(wide) ?? .float32), try Tensor(boundaries))
    let above = try call.b.apply(GreaterOrEqual(), wide, try call.b.constant(edges))
    let index = try call.reduce(ReduceSum.self, try call.cast(above, to: .int64), [-1])
    let type: DType = encoding == .int ? .int64 : call.dtype
    return .id(
      try encoding.encode(index, depth: boundaries.count + 1, as: type, call))
  }
}
