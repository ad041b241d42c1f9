import Graphs
import Operators
import Tensors

/// The mean error that rounding a layer's weights makes in each output channel, to be added to the
/// bias: the sum over inputs of `(w - rounded w)` times the mean input. At the border of a padded
/// image the mean is another, which is left aside.
///
/// Source: Nagel, van Baalen, Blankevoort, Welling, "Data-Free Quantization Through Weight
/// Equalization and Bias Correction", ICCV 2019, section 4.2.
struct BiasChange {
  let change: [Double]

  /// Nil for layers whose channels do not fit the means. Weights lie as the layer has them.
  init?(
    _ layer: Layer, _ op: (any Operator)?, shape: Shape, _ exact: [Float], _ rounded: [Float],
    _ means: ChannelMeans?
  ) {
    guard let mean = means?.means, !mean.isEmpty else { return nil }
    switch layer.kind {
    case .conv:
      guard let conv = op as? Conv, shape.rank >= 3, conv.group > 0 else { return nil }
      let (outputs, part) = (shape[0], shape[1])
      let taps = shape.count(of: 2..<shape.rank)
      guard mean.count == part * conv.group, outputs % conv.group == 0 else { return nil }
      var change = [Double](repeating: 0, count: outputs)
      for o in 0..<outputs {
        let group = o / (outputs / conv.group)
        for i in 0..<part {
          let start = (o * part + i) * taps
          var sum = 0.0
          for k in start..<start + taps { sum += Double(exact[k]) - Double(rounded[k]) }
          change[o] += sum * mean[group * part + i]
        }
      }
      self.change = change
    case .matMul, .gemm:
      let isTurned = layer.channelAxis == 0
      let (rows, columns) = (shape[0], shape[1])
      guard mean.count == (isTurned ? columns : rows) else { return nil }
      var change = [Double](repeating: 0, count: isTurned ? rows : columns)
      for r in 0..<rows {
        for c in 0..<columns {
          let at = r * columns + c
          change[isTurned ? r : c] +=
            (Double(exact[at]) - Double(rounded[at])) * mean[isTurned ? c : r]
        }
      }
      self.change = change
    default: return nil
    }
  }

  /// The axis of a layer's input along which means are needed.
  static func axis(_ layer: Layer) -> Int? {
    switch layer.kind {
    case .conv: 1
    case .matMul, .gemm: -1
    default: nil
    }
  }
}

extension QuantEditor {
  /// The constant bias of a layer, one number for each of `channels`; nil where it has none of the
  /// kind. `isFree` says whether one could be added.
  func bias(_ layer: Layer, channels: Int) -> (values: [Float]?, isFree: Bool) {
    guard layer.kind != .matMul else {
      guard let (_, _, t) = addedBias(layer) else { return (nil, false) }
      return (t.spread(over: channels), false)
    }
    guard let id = g.input(layer.node, 2) else { return (nil, layer.kind != .attention) }
    return (g.constant(id)?.spread(over: channels), false)
  }

  /// The Add of a constant that alone takes a product's result: node, operand and constant.
  private func addedBias(_ layer: Layer) -> (node: Int, operand: Int, tensor: Tensor)? {
    guard g.hasOneUse(layer.output), let i = g.users(layer.output).first,
      g.op(i, as: Add.self) != nil
    else { return nil }
    for k in 0..<2 {
      if let id = g.input(i, k), id != layer.output, let t = g.constant(id), t.dtype == .float32 {
        return (i, k, t)
      }
    }
    return nil
  }

  /// Writes a product's bias to the Add behind it.
  func setAddedBias(_ layer: Layer, _ values: [Float]) throws(EngineError) {
    guard let (i, k, _) = addedBias(layer), let id = g.input(i, k) else { return }
    g.setInput(i, k, to: constant(try Tensor(values), name(id) + "_corrected"))
  }
}

extension Tensor {
  /// The finite elements of a float32 tensor that broadcasts along the last axis only, one for each of
  /// `channels`.
  fileprivate func spread(over channels: Int) -> [Float]? {
    guard dtype == .float32 else { return nil }
    let list = Array(elements(Float.self))
    guard list.allSatisfy(\.isFinite) else { return nil }
    if count == 1 { return [Float](repeating: list[0], count: channels) }
    return count == channels && shape.array.last == channels ? list : nil
  }
}
