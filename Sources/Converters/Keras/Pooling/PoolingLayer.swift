import Graphs
import Operators
import Tensors

/// `MaxPooling` and `AveragePooling` of one to three axes. Pads do not count in averages.
struct PoolingLayer: KerasLayer {
  let isMax: Bool
  let size: [Int]
  let strides: [Int]
  let padding: String
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    let rank = try ConvolutionOptions.rank(config)
    isMax = config.className.hasPrefix("Max")
    size = try config.ints("pool_size", count: rank, default: [Int](repeating: 2, count: rank))
    strides = try config.ints("strides", count: rank, default: size)
    padding = try config.choice("padding", ["valid", "same"], default: "valid")
    isFirst = try config.isChannelsFirst()
    for n in size + strides where n < 1 {
      throw EngineError(.malformed, "'\(config.name)' has a size or stride below 1")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    return .id(
      try call.pool(
        x.id, isMax: isMax, size: size, strides: strides, padding: padding, isFirst: isFirst))
  }
}

extension LayerCall {
  func pool(
    _ x: ValueID, isMax: Bool, size: [Int], strides: [Int], padding: String, isFirst: Bool
  ) throws(EngineError) -> ValueID {
    let first = isFirst ? x : try b.channelsFirst(x)
    let window = try ConvolutionOptions.window(
      first, self, kernel: size, strides: strides,
      dilations: [Int](repeating: 1, count: size.count), padding: padding)
    let y =
      isMax ? try b.apply(MaxPool(window), first) : try b.apply(AveragePool(window), first)
    return isFirst ? y : try b.channelsLast(y)
  }
}
