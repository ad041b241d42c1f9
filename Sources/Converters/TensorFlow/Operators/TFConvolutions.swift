import Graphs
import Tensors

/// Convolutions, depthwise and fused ones included.
enum TFConvolutions {
  static let operators: [TFOperator] = [
    TFOperator("Conv2D") { (c) throws(EngineError) in try convolution(c, axes: 2) },
    TFOperator("Conv3D") { (c) throws(EngineError) in try convolution(c, axes: 3) },
    TFOperator("DepthwiseConv2dNative") { (c) throws(EngineError) in try depthwise(c) },
    TFOperator("_FusedConv2D") { (c) throws(EngineError) in
      try fused(c, try convolution(c, axes: 2))
    },
    TFOperator("_FusedDepthwiseConv2dNative") { (c) throws(EngineError) in
      try fused(c, try depthwise(c))
    },
  ]

  /// The window of an operator whose lists speak of all axes.
  static func window(_ c: TFCall, axes: Int) throws(EngineError) -> SpatialWindow {
    let isFirst = try c.isChannelsFirst()
    func spatial(_ list: [Int], _ what: String) throws(EngineError) -> [Int] {
      guard list.count == axes + 2 else {
        throw EngineError(
          .invalidModel, "attribute '\(what)' has the wrong length", expected: "\(axes + 2)",
          received: "\(list.count)")
      }
      let outside = isFirst ? [list[0], list[1]] : [list[0], list[axes + 1]]
      guard outside == [1, 1] else {
        throw EngineError(.unsupported, "windows over batch and channels are not converted")
      }
      return isFirst ? Array(list[2...]) : Array(list[1...axes])
    }
    let padding: SpatialWindow.Padding
    switch try c.a.string("padding") {
    case "SAME": padding = .same
    case "VALID": padding = .valid
    case "EXPLICIT":
      let all = try c.a.ints("explicit_paddings")
      guard all.count == 2 * (axes + 2) else {
        throw EngineError(.invalidModel, "attribute 'explicit_paddings' has the wrong length")
      }
      let begins = (0..<(axes + 2)).map { all[2 * $0] }
      let ends = (0..<(axes + 2)).map { all[2 * $0 + 1] }
      let range = isFirst ? 2..<(axes + 2) : 1..<(axes + 1)
      padding = .explicit(begin: Array(begins[range]), end: Array(ends[range]))
    default: throw EngineError(.unsupported, "the padding is not known")
    }
    let ones = Array(repeating: 1, count: axes + 2)
    let dilations = try c.a.ints("dilations", ones)
    return SpatialWindow(
      strides: try spatial(try c.a.ints("strides", ones), "strides"),
      dilations: try spatial(dilations.isEmpty ? ones : dilations, "dilations"), padding: padding)
  }

  /// Filters `[k..., I, O]`.
  private static func convolution(_ c: TFCall, axes: Int) throws(EngineError) -> ValueID {
    let b = c.b
    let isFirst = try c.isChannelsFirst()
    let x = try b.first(try c.tensor(0), isFirst)
    let w = try b.arranged(try c.tensor(1), [axes + 1, axes] + Array(0..<axes))
    return try b.last(
      try b.convolution(x, w, nil, try window(c, axes: axes)), isFirst)
  }

  /// Filters `[H, W, C, M]`: M results for each channel.
  private static func depthwise(_ c: TFCall) throws(EngineError) -> ValueID {
    let b = c.b
    let isFirst = try c.isChannelsFirst()
    let filter = try c.tensor(1)
    let sizes = try b.sizes(filter)
    guard sizes.count == 4 else { throw EngineError(.invalidModel, "the filter has not 4 axes") }
    let w = try b.arranged(
      filter, [2, 3, 0, 1], [sizes[2] &* sizes[3], 1, sizes[0], sizes[1]])
    let x = try b.first(try c.tensor(0), isFirst)
    return try b.last(try b.convolution(x, w, nil, try window(c, axes: 2)), isFirst)
  }

  /// Applies what the optimiser of TensorFlow fused behind a product: attribute `fused_ops`, whose
  /// arguments follow the two factors.
  static func fused(_ c: TFCall, _ product: ValueID) throws(EngineError) -> ValueID {
    let b = c.b
    var result = product
    var next = 2
    for name in try c.a.strings("fused_ops") {
      switch name {
      case "BiasAdd":
        result = try TFNormalizations.biasAdd(
          b, result, try c.tensor(next), try c.isChannelsFirst())
        next += 1
      case "Add":
        result = try b.broadcast("Add", result, try c.tensor(next))
        next += 1
      case "FusedBatchNorm":
        result = try TFNormalizations.normalized(
          b, result, scale: try c.tensor(next), offset: try c.tensor(next + 1),
          mean: try c.tensor(next + 2), variance: try c.tensor(next + 3),
          epsilon: try c.a.float("epsilon", 1e-4), isFirst: try c.isChannelsFirst())
        next += 4
      case "Relu", "Elu", "Sigmoid", "Tanh":
        result = try b.elementwise(result) { (x) throws(EngineError) in try b.onnx(name, [x]) }
      case "Relu6":
        result = try b.elementwise(result) { (x) throws(EngineError) in
          try b.onnx("Clip", [x, try b.number(0, like: x), try b.number(6, like: x)])
        }
      case "LeakyRelu":
        let alpha = try c.a.float("leakyrelu_alpha", 0.2)
        result = try b.elementwise(result) { (x) throws(EngineError) in
          try b.onnx("LeakyRelu", [x], [.float("alpha", alpha)])
        }
      case "GeluExact":
        result = try b.elementwise(result) { (x) throws(EngineError) in try b.onnx("Gelu", [x]) }
      case "GeluApproximate":
        result = try b.elementwise(result) { (x) throws(EngineError) in
          try b.onnx("Gelu", [x], [.string("approximate", "tanh")])
        }
      default: throw EngineError(.unsupported, "the fused operator '\(name)' is not converted")
      }
    }
    return result
  }
}
