import Formats
import Graphs
import Operators
import Tensors

/// What all convolutions are configured with.
struct ConvolutionOptions {
  /// The number of spatial axes.
  let rank: Int
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  /// `valid`, `same` or `causal`.
  let padding: String
  let isFirst: Bool
  let usesBias: Bool
  let activation: ActivationFunction

  /// - `rank`: taken from the class: `Conv2D` has 2.
  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    rank = try Self.rank(config)
    kernel = try config.ints("kernel_size", count: rank)
    strides = try config.ints("strides", count: rank, default: [Int](repeating: 1, count: rank))
    dilations = try config.ints(
      "dilation_rate", count: rank, default: [Int](repeating: 1, count: rank))
    padding = try config.choice("padding", ["valid", "same", "causal"], default: "valid")
    isFirst = try config.isChannelsFirst()
    usesBias = try config.bool("use_bias", default: true)
    activation = try ActivationFunction(config, reader)
    for n in kernel + strides + dilations where n < 1 {
      throw EngineError(.malformed, "'\(config.name)' has a size or stride below 1")
    }
  }

  /// The number before the `D` of a class's name.
  static func rank(_ config: KerasConfig) throws(EngineError) -> Int {
    for n in 1...3 where config.className.contains("\(n)D") { return n }
    throw EngineError(.internalDefect, "no rank in \(config.className)")
  }

  /// The window over the spatial axes of `x`, which lies channels first.
  ///
  /// `same` gives explicit pads where sizes are known, and leaves them to the operator elsewhere.
  func window(_ x: ValueID, _ call: LayerCall, strides: [Int]? = nil) throws(EngineError) -> Window
  {
    try Self.window(
      x, call, kernel: kernel, strides: strides ?? self.strides, dilations: dilations,
      padding: padding)
  }

  static func window(
    _ x: ValueID, _ call: LayerCall, kernel: [Int], strides: [Int], dilations: [Int],
    padding: String
  ) throws(EngineError) -> Window {
    var window = Window(
      kernel: kernel, strides: strides.contains { $0 != 1 } ? strides : [],
      dilations: dilations.contains { $0 != 1 } ? dilations : [])
    let dims = try call.dims(x)
    guard dims.count == kernel.count + 2 else {
      throw EngineError(
        .malformed, "layer '\(call.name)' is called with a wrong rank",
        expected: "\(kernel.count + 2)", received: "\(dims.count)")
    }
    switch padding {
    case "same":
      let sizes = dims.dropFirst(2).compactMap(\.known)
      guard sizes.count == kernel.count else {
        if strides.allSatisfy({ $0 == 1 }) {
          let total = zip(kernel, dilations).map { ($0 - 1) * $1 }
          window.padsBegin = total.map { $0 / 2 }
          window.padsEnd = total.map { $0 - $0 / 2 }
        } else {
          window.autoPad = .sameUpper
        }
        break
      }
      var total: [Int] = []
      for (i, n) in sizes.enumerated() {
        let reach = (kernel[i] - 1) * dilations[i] + 1
        let steps = (n + strides[i] - 1) / strides[i]
        total.append(Swift.max((steps - 1) * strides[i] + reach - n, 0))
      }
      window.padsBegin = total.map { $0 / 2 }
      window.padsEnd = total.map { $0 - $0 / 2 }
    case "causal":
      window.padsBegin = zip(kernel, dilations).map { ($0 - 1) * $1 }
      window.padsEnd = [Int](repeating: 0, count: kernel.count)
    default: break
    }
    if window.padsBegin.allSatisfy({ $0 == 0 }), window.padsEnd.allSatisfy({ $0 == 0 }) {
      window.padsBegin = []
      window.padsEnd = []
    }
    return window
  }

  /// The result in the layout of the layer, with its activation.
  func finish(_ y: ValueID, _ call: LayerCall) throws(EngineError) -> ValueID {
    let laid = isFirst ? y : try call.b.channelsLast(y)
    return try activation.apply(laid, call)
  }

  /// The input channels first.
  func laid(_ x: ValueID, _ call: LayerCall) throws(EngineError) -> ValueID {
    isFirst ? x : try call.b.channelsFirst(x)
  }

  /// A kernel `[k..., I, O]` as `[O, I, k...]`.
  static func turned(_ w: Tensor) throws(EngineError) -> Tensor {
    let rank = w.shape.rank
    guard rank >= 3 else { throw EngineError(.malformed, "a kernel has \(rank) axes") }
    return try Eager().apply(Transpose(perm: [rank - 1, rank - 2] + Array(0..<(rank - 2))), w)
  }

  /// A depthwise kernel `[k..., C, M]` as `[C M, 1, k...]`.
  static func depthwise(_ w: Tensor) throws(EngineError) -> Tensor {
    let rank = w.shape.rank
    guard rank >= 3 else { throw EngineError(.malformed, "a kernel has \(rank) axes") }
    let turned = try Eager().apply(
      Transpose(perm: [rank - 2, rank - 1] + Array(0..<(rank - 2))), w)
    let sizes = w.shape.array
    return try turned.reshaped(
      try Shape(checking: [sizes[rank - 2] * sizes[rank - 1], 1] + sizes.dropLast(2)))
  }
}
