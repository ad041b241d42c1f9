import Graphs
import Operators
import Tensors

enum ConvSums: Pass {
  static let name = "merge-summed-convolutions"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor:
      "an Add of two convolutions of one image with constant weights that nothing else uses, "
      + "or of one and the image itself or its BatchNormalization, as blocks with branches have them "
      + "that were made for training (RepVGG, MobileOne)",
    makes:
      "one convolution with the larger kernel, to whose weights those of the smaller are added",
    why:
      "convolutions are linear: w x + v x = (w + v) x; an image is its own convolution with 1 in "
      + "the middle")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard g.node(i).op is Add, let a = g.input(i, 0), let b = g.input(i, 1), a != b,
        let first = branch(g, a) ?? branch(g, b), !isQuantized(g, first)
      else { continue }
      let other = first.node == g.maker(a) ? b : a
      var second = branch(g, other, of: first.image)
      if second == nil { second = try identity(g, other, of: first.image, beside: first) }
      guard let second else { continue }
      var sum = try first.sum(second)
      if sum == nil { sum = try second.sum(first) }
      guard let sum else { continue }
      let made = [first.node, second.node].filter { $0 >= 0 }
      guard made.allSatisfy({ n in g.output(n).map { g.hasOneUse($0) } ?? false }) else {
        g.miss(i, "\(name): a branch has other uses")
        continue
      }
      let inputs: [ValueID?] = [
        first.image, g.addConstant(sum.weights), g.addConstant(sum.bias),
      ]
      try g.fuse(i, made, into: Conv(window: sum.window, group: first.group), inputs, by: name)
    }
  }

  /// Whether a convolution may be taken in integers, weights and image alike.
  private static func isQuantized(_ g: GraphEditor, _ branch: ConvBranch) -> Bool {
    [branch.image, g.input(branch.node, 1)].contains {
      g.made($0, by: DequantizeLinear.self) != nil
    }
  }

  /// A convolution as a branch; nil for other values.
  private static func branch(
    _ g: GraphEditor, _ v: ValueID, of image: ValueID? = nil
  ) -> ConvBranch? {
    guard let (node, op) = g.made(v, by: Conv.self), let x = g.input(node, 0),
      image == nil || image == x, let w = g.constant(g.input(node, 1)), w.dtype == .float32,
      w.shape.rank >= 3
    else { return nil }
    var bias = [Double](repeating: 0, count: w.shape[0])
    if let c = g.input(node, 2) {
      guard let list = g.constant(c)?.numbers, list.count == bias.count else { return nil }
      bias = list
    }
    return ConvBranch(
      node: node, image: x, window: op.window, group: op.group, weights: w, bias: bias)
  }

  /// The image itself, or its norm, as a convolution of one tap beside another.
  private static func identity(
    _ g: GraphEditor, _ v: ValueID, of image: ValueID, beside conv: ConvBranch
  ) throws(EngineError) -> ConvBranch? {
    let channels = conv.shape[1] * conv.group
    guard conv.shape[0] == channels, (0..<conv.axes).allSatisfy({ conv.stride($0) == 1 }) else {
      return nil
    }
    var node = -1
    var scale = [Double](repeating: 1, count: channels)
    var shift = [Double](repeating: 0, count: channels)
    if v != image {
      guard let (n, norm) = g.made(v, by: BatchNormalization.self), !norm.isTraining,
        norm.isSpatial, g.input(n, 0) == image,
        g.node(n).outputs.dropFirst().allSatisfy({ $0 == nil }),
        let affine = ChannelAffine(g, n, norm), affine.scale.count == channels
      else { return nil }
      (node, scale, shift) = (n, affine.scale, affine.shift)
    }
    let part = conv.shape[1]
    var weights = [Float](repeating: 0, count: channels * part)
    for m in 0..<channels { weights[m * part + m % part] = Float(scale[m]) }
    let shape = try Shape(checking: [channels, part] + [Int](repeating: 1, count: conv.axes))
    return ConvBranch(
      node: node, image: image, window: Window(), group: conv.group,
      weights: try Tensor(shape: shape, weights), bias: shift)
  }
}

/// A convolution with what it adds to a sum.
private struct ConvBranch {
  /// -1 for an image that is added as it is.
  let node: Int
  let image: ValueID
  let window: Window
  let group: Int
  let weights: Tensor
  let bias: [Double]

  var shape: Shape { weights.shape }
  /// Spatial axes.
  var axes: Int { shape.rank - 2 }
  func stride(_ i: Int) -> Int { window.strides.isEmpty ? 1 : window.strides[i] }
  private func dilation(_ i: Int) -> Int { window.dilations.isEmpty ? 1 : window.dilations[i] }
  private func pads(_ i: Int) -> (Int, Int) {
    (
      window.padsBegin.isEmpty ? 0 : window.padsBegin[i],
      window.padsEnd.isEmpty ? 0 : window.padsEnd[i]
    )
  }
  private var isExplicit: Bool {
    window.autoPad == .explicit || (window.autoPad == .valid && window.padsBegin.isEmpty)
  }

  /// Both as one convolution with this one's kernel, in which the other's must have its place.
  func sum(
    _ other: ConvBranch
  ) throws(EngineError) -> (window: Window, weights: Tensor, bias: Tensor)? {
    guard isExplicit, other.isExplicit, group == other.group, axes == other.axes,
      shape[0] == other.shape[0], shape[1] == other.shape[1]
    else { return nil }
    // Where the other's first tap lies.
    var first: [Int] = []
    for i in 0..<axes {
      let (own, small) = (shape[i + 2], other.shape[i + 2])
      let (begin, end) = pads(i)
      let (otherBegin, otherEnd) = other.pads(i)
      let ahead = begin - otherBegin
      let reach = (own - 1) * dilation(i) - begin - end
      guard stride(i) == other.stride(i), small == 1 || dilation(i) == other.dilation(i),
        ahead >= 0, ahead % dilation(i) == 0, ahead / dilation(i) + small <= own,
        reach == (small - 1) * other.dilation(i) - otherBegin - otherEnd
      else { return nil }
      first.append(ahead / dilation(i))
    }
    // Numbers are read here only: most sums are of convolutions that have nothing in common.
    guard var sum = weights.numbers, let others = other.weights.numbers else { return nil }
    let (taps, fewer) = (shape.count(of: 2..<shape.rank), other.shape.count(of: 2..<shape.rank))
    let kernels = shape[0] * shape[1]
    for tap in 0..<fewer {
      var (rest, place, step) = (tap, 0, 1)
      for i in (0..<axes).reversed() {
        place += (first[i] + rest % other.shape[i + 2]) * step
        rest /= other.shape[i + 2]
        step *= shape[i + 2]
      }
      for k in 0..<kernels { sum[k * taps + place] += others[k * fewer + tap] }
    }
    let both = zip(bias, other.bias).map { Float($0 + $1) }
    let numbers = sum.map { Float($0) }
    guard (both + numbers).allSatisfy(\.isFinite) else { return nil }
    return (window, try Tensor(shape: shape, numbers), try Tensor(both))
  }
}
