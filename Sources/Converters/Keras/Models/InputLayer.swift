import Formats
import Tensors

/// Where a model's inputs come from.
struct InputLayer: KerasLayer {
  let port: KerasPort

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let value = config["batch_shape"] ?? config["batch_input_shape"] ?? config["shape"],
      let items = KerasConfig.items(value)
    else { throw EngineError(.malformed, "input '\(config.name)' has no shape") }
    guard try !config.bool("sparse", default: false), try !config.bool("ragged", default: false)
    else { throw EngineError(.unsupported, "sparse and ragged inputs are not converted") }
    var shape: [Int?] = []
    for item in items {
      let size = item == .null ? nil : try KerasConfig.int(item, "batch_shape")
      guard size.map({ $0 >= 0 }) ?? true else {
        throw EngineError(.malformed, "input '\(config.name)' has a negative size")
      }
      shape.append(size)
    }
    guard shape.count <= Shape.maxRank else {
      throw EngineError(
        .unsupported, "an input has \(shape.count) axes", expected: "at most \(Shape.maxRank)")
    }
    let dtype = try KerasPolicy.computeType(config)
    port = KerasPort(name: config.name, dtype: dtype ?? .float32, shape: shape)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    .tensor(try call.raw())
  }
}
