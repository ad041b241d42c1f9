import Formats
import Graphs
import Operators
import Tensors

/// `scale x + offset`; both may be lists along the last axis.
struct RescalingLayer: KerasLayer {
  let scale: [Double]
  let offset: [Double]
  private let isScaleList: Bool
  private let isOffsetList: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    (scale, isScaleList) = try config.numbers("scale", default: 1)
    (offset, isOffsetList) = try config.numbers("offset", default: 0)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.numeric(try call.raw())
    guard isScaleList || isOffsetList else {
      return call.pass(
        x,
        try call.pointwise(x.id) { (y) throws(EngineError) in
          let scaled = scale[0] == 1 ? y : try call.mul(y, scale[0])
          return offset[0] == 0 ? scaled : try call.add(scaled, offset[0])
        })
    }
    func list(_ values: [Double], _ isList: Bool) throws(EngineError) -> ValueID {
      isList
        ? try call.b.constant(
          try Eager().apply(Cast(to: call.dtype), try Tensor(values)))
        : try call.number(values[0], like: x.id)
    }
    let scaled = try call.mul(x.id, try list(scale, isScaleList))
    return call.pass(x, try call.add(scaled, try list(offset, isOffsetList)))
  }
}

extension KerasConfig {
  /// A number, or a list of numbers (nested ones in order); and which of both.
  func numbers(
    _ key: String, default fallback: Double
  ) throws(EngineError) -> (values: [Double], isList: Bool) {
    guard let value = self[key] else { return ([fallback], false) }
    if let number = value.asDouble { return ([number], false) }
    var list: [Double] = []
    try Self.collect(value, into: &list, key, depth: 0)
    guard !list.isEmpty else { throw Self.malformed("'\(key)' is empty", value) }
    return (list, true)
  }

  private static func collect(
    _ value: JSONValue, into list: inout [Double], _ key: String, depth: Int
  ) throws(EngineError) {
    if let number = value.asDouble {
      list.append(number)
      return
    }
    let array = value.asObject?["config"]?.asObject?["value"]
    guard let items = items(value) ?? array?.asArray, depth < 8 else {
      throw malformed("'\(key)' holds no numbers", value)
    }
    for item in items { try collect(item, into: &list, key, depth: depth + 1) }
  }
}
