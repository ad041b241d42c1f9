import Graphs
import Operators
import Tensors

/// `AdaptiveMaxPooling` and `AdaptiveAveragePooling`: windows from `i n / o` rounded down to
/// `(i + 1) n / o` rounded up, for results of size `o`.
struct AdaptivePoolingLayer: KerasLayer {
  let rank: Int
  let isMax: Bool
  let output: [Int]
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    rank = try ConvolutionOptions.rank(config)
    isMax = config.className.hasPrefix("AdaptiveMax")
    output = try config.ints("output_size", count: rank)
    isFirst = try config.isChannelsFirst()
    for n in output where n < 1 {
      throw EngineError(.malformed, "'\(config.name)' has an output size below 1")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    var sizes: [Int] = []
    for i in 0..<rank { sizes.append(try call.size(x.id, i + (isFirst ? 2 : 1))) }
    if zip(sizes, output).allSatisfy({ $0 % $1 == 0 }) {
      let window = zip(sizes, output).map { $0 / $1 }
      return .id(
        try call.pool(
          x.id, isMax: isMax, size: window, strides: window, padding: "valid", isFirst: isFirst))
    }
    // Both folds go axis by axis.
    var y = x.id
    for i in 0..<rank {
      let axis = i + (isFirst ? 2 : 1)
      var parts: [ValueID] = []
      for k in 0..<output[i] {
        let from = k * sizes[i] / output[i]
        let to = ((k + 1) * sizes[i] + output[i] - 1) / output[i]
        let part = try call.slice(y, axis: axis, from: from, to: to)
        parts.append(
          isMax
            ? try call.reduce(ReduceMax.self, part, [axis], keepDims: true)
            : try call.reduce(ReduceMean.self, part, [axis], keepDims: true))
      }
      y = try call.concat(parts, axis: axis)
    }
    return .id(y)
  }
}
