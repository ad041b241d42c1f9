import Operators
import Tensors

/// Other axes behind the batch; at most one size may be -1.
struct ReshapeLayer: KerasLayer {
  let shape: [Int]

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    shape = try config.ints("target_shape")
    guard shape.count < Shape.maxRank, shape.filter({ $0 == -1 }).count <= 1,
      shape.allSatisfy({ $0 >= -1 })
    else {
      throw EngineError(
        .malformed, "'\(config.name)' has an impossible shape", received: "\(shape)")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    // Vectors as images of one pixel, as squeeze and excitation has them, lie channels first too.
    if shape.count > 1, shape.dropLast().allSatisfy({ $0 == 1 }), let channels = shape.last,
      try call.rank(x.id) == 2, channels == (try call.dims(x.id))[1].known
    {
      let pixel = [0, channels] + [Int](repeating: 1, count: shape.count - 1)
      return .id(try call.b.channelsLast(try call.reshape(x.id, pixel)))
    }
    // With the batch open, a known rest settles the -1, so that more is known of what follows.
    var sizes = shape
    if let open = shape.firstIndex(of: -1) {
      let rest = try call.dims(x.id).dropFirst().map(\.known)
      let whole = rest.reduce(1 as Int?) { product, n in
        guard let product, let n else { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: n)
        return overflow ? nil : next
      }
      let others = shape.filter { $0 != -1 }.reduce(1) {
        $0.multipliedReportingOverflow(by: $1).partialValue
      }
      if let whole, others > 0, whole % others == 0 { sizes[open] = whole / others }
    }
    return .id(try call.reshape(x.id, [0] + sizes))
  }
}
