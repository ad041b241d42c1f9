import Graphs
import Kernels
import Operators
import Tensors

enum BlockedImages: Pass {
  static let name = "block-images"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "convolutions over one to three axes with constant float32 weights, and the "
      + "poolings, elementwise functions, sums, concatenations and resizings around them",
    makes: "the same operators on images whose channels lie in blocks of 16 (AVX-512) or 8 "
      + "(AVX2), with changes of layout only where a plain image comes in or is asked for",
    why: "blocks change where a number lies and not what it is; the lanes beyond the last channel "
      + "are read by nobody, since the weights that meet them are zero")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard InstructionSet.current >= .avx2 else { return }
    var walk = BlockedWalk(g, BlockedLayout.best)
    try walk.run()
  }
}

/// One walk through a graph, from its inputs to its outputs.
struct BlockedWalk {
  let g: GraphEditor
  let layout: BlockedLayout
  /// The blocked image of a plain one, where there is one.
  var images: [ValueID: ValueID] = [:]

  enum Made {
    case image(ValueID)
    case plain(ValueID)
  }

  init(_ g: GraphEditor, _ layout: BlockedLayout) {
    self.g = g
    self.layout = layout
  }

  mutating func run() throws(EngineError) {
    var moved: [(plain: ValueID, image: ValueID, channels: Int, node: Int)] = []
    for i in g.orderedNodes() {
      if let parts = try divided(i) {
        g.note(i, "\(BlockedImages.name): in blocks of \(layout.block)")
        for (y, image) in parts {
          images[y] = image
          moved.append((y, image, channels(y) ?? 0, i))
        }
        g.remove(i)
        continue
      }
      guard let y = g.output(i), let made = try convert(i) else { continue }
      switch made {
      case .image(let image):
        g.note(i, "\(BlockedImages.name): in blocks of \(layout.block)")
        let channels = channels(y) ?? 0
        images[y] = image
        g.remove(i)
        moved.append((y, image, channels, i))
      case .plain(let value):
        g.note(i, "\(BlockedImages.name): from blocks of \(layout.block)")
        g.replace(y, with: value)
        g.remove(i)
      }
    }
    // Whoever still wants the plain image gets it under its old name.
    for (plain, image, channels, node) in moved where !g.users(plain).isEmpty || g.isOutput(plain) {
      let op = FromBlocked(channels: channels, depth: depth(plain) ?? 0)
      if isLine(plain) {
        let back = try g.addOne(op, [image], at: node)
        append(Squeeze(), [back, try g.addInts([2])], plain, at: node)
      } else {
        append(op, [image], plain, at: node)
      }
    }
  }

  /// A node behind all others that makes the value `y`.
  private func append(_ op: some Operator, _ inputs: [ValueID?], _ y: ValueID, at place: Int) {
    let schema = type(of: op).schema
    var node = Graph.Node(
      name: "", type: schema.name, domain: schema.domain, attributes: op.attributes,
      inputs: inputs, outputs: [y])
    node.op = op
    g.append(node, at: place)
  }

  /// Channels of a float32 image, line or volume of known depth; nil for other values.
  func channels(_ v: ValueID) -> Int? {
    guard g.dtype(v) == .float32, let dims = g.dims(v), (3...5).contains(dims.count),
      dims.count < 5 || depth(v) != nil
    else { return nil }
    return dims[1].known
  }

  /// Whether a value may be taken as an image of so many axes; those of one spatial axis must be
  /// known to be such.
  private func hasRank(_ rank: Int, _ v: ValueID) -> Bool { g.dims(v)?.count ?? 4 == rank }

  /// Whether a value is an image of one spatial axis, `[N, C, W]`: in blocks it has one row.
  func isLine(_ v: ValueID) -> Bool { g.dims(v)?.count == 3 }

  private mutating func convert(_ i: Int) throws(EngineError) -> Made? {
    guard let x = g.input(i, 0), let y = g.output(i) else { return nil }
    if let op = g.node(i).op as? ToBlocked, op.block == layout.block {
      if let known = images[x] { return .plain(known) }
      images[x] = y
      return nil
    }
    if let op = g.node(i).op as? ReduceMean { return try mean(i, op, x, y) }
    if let op = g.node(i).op as? ReduceMax { return try largest(i, op.axes, x) }
    guard let c = channels(y), c > 0 else { return nil }
    // Results beside the first have no blocked form.
    for other in g.node(i).outputs.dropFirst() where other != nil { return nil }
    switch g.node(i).op {
    case is Conv, is FusedConv:
      return try convolution(i)
    case let op as MaxPool:
      if isVolume(y) { return try volumePool(i, op.window, x, y) { BlockedMaxPool($0) } }
      guard let image = images[x], let window = planar(op.window) else { return nil }
      return .image(try g.addOne(BlockedMaxPool(window), [image], at: i))
    case let op as AveragePool:
      if isVolume(y) {
        return try volumePool(i, op.window, x, y) {
          BlockedAveragePool($0, countsPads: op.countsPads)
        }
      }
      guard let image = images[x], let window = planar(op.window) else { return nil }
      return .image(
        try g.addOne(BlockedAveragePool(window, countsPads: op.countsPads), [image], at: i))
    case is FromBlocked: return g.dims(x)?.last == Dim(layout.block) ? .image(x) : nil
    case is DequantizeLinear: return try rounded(i, x)
    case is GlobalAveragePool: return try globalMean(i, x, y, c)
    case is GlobalMaxPool: return try largest(i, nil, x)
    case is Relu, is LeakyRelu, is Sigmoid, is Tanh, is HardSigmoid, is HardSwish, is Swish,
      is Gelu, is Elu, is Selu, is Celu, is Softplus, is Softsign, is Mish, is Clip, is Abs,
      is Neg, is Erf:
      guard let image = images[x], let op = g.node(i).op else { return nil }
      return .image(try g.addOne(op, [image] + g.node(i).inputs.dropFirst(), at: i))
    case is Add, is Sub, is Mul, is Max, is Min, is PRelu: return try pair(i, c)
    case is Div:
      // Lanes beyond the last channel must not become NaN.
      guard let divisor = g.input(i, 1), let n = g.scalar(divisor), n != 0 else { return nil }
      return try pair(i, c)
    case let op as BatchNormalization: return try normalised(i, op, x, c)
    case let op as GroupNormalization: return try grouped(i, x, c, op.groups, op.epsilon)
    case let op as InstanceNormalization: return try grouped(i, x, c, c, op.epsilon)
    case let op as Concat: return try joined(i, op)
    case is Resize, is Upsample: return try resized(i, x)
    case let op as ConvTranspose: return try transposed(i, op, x)
    case is Reshape: return try shuffled(i, x, y)
    case let op as Transpose: return try turned(i, op, x, y)
    default: return nil
    }
  }

  /// Numbers that were made to codes by a scale of their own, and back: each for itself.
  private func rounded(_ i: Int, _ codes: ValueID) throws(EngineError) -> Made? {
    guard let (maker, op) = g.made(codes, by: DynamicQuantizeLinear.self),
      let source = g.input(maker, 0), let image = images[source], let back = g.node(i).op,
      g.input(i, 1) == g.output(maker, 1), g.input(i, 2) == g.output(maker, 2)
    else { return nil }
    let made = try g.add(op, [image], outputs: 3, at: i)
    return .image(try g.addOne(back, made.map { $0 }, at: i))
  }

  // MARK: Convolutions

  private mutating func convolution(_ i: Int) throws(EngineError) -> Made? {
    guard let node = ConvNode(g, i), let x = node.inputs[0], let w = node.inputs[1],
      let weights = g.constant(w), weights.dtype == .float32, (3...5).contains(weights.shape.rank),
      g.dtype(x) == .float32, hasRank(weights.shape.rank, x),
      node.residual.map({ hasRank(weights.shape.rank, $0) }) ?? true
    else { return nil }
    let (m, part, group) = (weights.shape[0], weights.shape[1], node.conv.group)
    let (count, overflow) = part.multipliedReportingOverflow(by: group)
    guard !overflow, m > 0, count > 0 else { return nil }
    let isDepthwise = part == 1 && m == group
    let block = layout.block
    let width = g.output(i).flatMap { g.dims($0)?.last?.known }
    guard !node.conv.isFewOutputs(weights.shape, width: width) else {
      g.miss(i, "\(BlockedImages.name): its few outputs are summed over planes")
      return nil
    }
    let isDeep = weights.shape.rank == 5 && reachesAcrossPlanes(node.conv, weights)
    guard weights.shape.rank < 5 || channels(x) != nil else { return nil }
    guard
      !isDeep
        || node.conv.window.dilation(0) == 1
          && (group == 1 || isDepthwise || isNarrow(node.conv, weights.shape))
    else {
      g.miss(i, "\(BlockedImages.name): it has groups, or a dilated depth")
      return nil
    }
    if part == 1, m > group, let made = try multiplied(i, node, x, weights) { return made }
    guard group == 1 || isDepthwise || part * 8 >= block else {
      g.miss(i, "\(BlockedImages.name): its groups are too small for blocks")
      return nil
    }
    let isPlain = images[x] == nil && group == 1 && part < block
    if images[x] == nil, !isPlain || m < block / 2 {
      // Lanes beyond the last channel cost as much as the others.
      let sums = isPlain || isDepthwise ? part : layout.padded(part * group)
      let most = isDepthwise ? part : part * group
      guard Double(layout.padded(m) * sums) <= 2.5 * Double(m * most) else {
        g.miss(i, "\(BlockedImages.name): too few channels to fill blocks")
        return nil
      }
    }
    if weights.shape.rank == 5, isDeep || isPlain {
      return try volumeConvolution(i, node, x, isPlain: isPlain)
    }
    let isPointwise = group == 1 && weights.shape.count(of: 2..<weights.shape.rank) == 1
    let gated = isPointwise ? gated(x, by: i) : nil
    var source = x
    if let gated {
      source = gated.image
    } else if !isPlain {
      source = try image(x, at: i)
    } else if weights.shape.rank == 3 {
      source = try g.addOne(Unsqueeze(), [x, g.addInts([2])], at: i)
    }
    var inputs: [ValueID?] = [source, try planar(w, weights)]
    if node.inputs.count > 2 { inputs.append(node.inputs[2]) }
    if let z = node.residual {
      while inputs.count < 3 { inputs.append(nil) }
      inputs.append(try image(z, at: i))
    }
    if let gated {
      while inputs.count < 4 { inputs.append(nil) }
      inputs.append(gated.factors)
      g.note(i, "\(BlockedImages.name): multiplies its image by a factor for each channel")
      g.remove(gated.node)
      images[x] = nil
    }
    let window = node.conv.window
    let conv =
      switch weights.shape.rank {
      case 3: Conv(window: planarLine(window), group: group)
      case 5: Conv(window: planarVolume(window), group: group)
      default: node.conv
      }
    let op = BlockedConv(conv, node.activation, block: block, plainInput: isPlain)
    return .image(try g.addOne(op, inputs, at: i, name: g.node(i).name))
  }

  /// Whether a convolution has as many outputs as channels, in groups with a kernel of their own.
  private func isNarrow(_ conv: Conv, _ weights: Shape) -> Bool {
    let last = weights.rank - 3
    let geometry = ConvGeometry(
      batch: 1, groups: conv.group, channels: weights[1], outputs: weights[0] / conv.group,
      input: [1, 1, 1], output: [1, 1, 1],
      kernel: [1, 1, weights[weights.rank - 1]], strides: [1, 1, conv.window.stride(last)],
      dilations: [1, 1, conv.window.dilation(last)], pads: [0, 0, 0], keepsAxes: true)
    return BlockedWindow.takes(geometry, lanes: layout.block)
  }

  /// A depthwise convolution that makes several results of each channel: one depthwise convolution for
  /// the first of each, one for the second, and so on, whose channels are then put in order.
  private mutating func multiplied(
    _ i: Int, _ node: ConvNode, _ x: ValueID, _ weights: Tensor
  ) throws(EngineError) -> Made? {
    let (m, group) = (weights.shape[0], node.conv.group)
    let times = m / group
    let bias = node.inputs.count > 2 ? node.inputs[2].map { g.constant($0) } : nil
    guard weights.shape.rank == 4, group >= layout.block / 2, m == times * group, times <= 4,
      node.residual == nil, bias.map({ $0?.dtype == .float32 && $0?.count == m }) ?? true
    else { return nil }
    /// Each row, of as many elements, that makes result number `part` of its channel.
    func rows(_ t: Tensor, _ part: Int, _ shape: Shape) throws(EngineError) -> ValueID {
      let (all, count) = (t.elements(Float.self), t.count / m)
      var list: [Float] = []
      for row in stride(from: part, to: m, by: times) {
        list += all[row * count..<(row + 1) * count]
      }
      return g.addConstant(try Tensor(shape: shape, list))
    }
    let shape = Shape(rank: 4) { $0 == 0 ? group : weights.shape[$0] }
    let source = try image(x, at: i)
    var parts: [ValueID?] = []
    for part in 0..<times {
      var inputs: [ValueID?] = [source, try rows(weights, part, shape)]
      if let bias = bias ?? nil { inputs.append(try rows(bias, part, Shape([group]))) }
      let op = BlockedConv(node.conv, node.activation, block: layout.block, plainInput: false)
      parts.append(try g.addOne(op, inputs, at: i, name: g.node(i).name))
    }
    let counts = [Int](repeating: group, count: times)
    let map = (0..<m).map { $0 % times * group + $0 / times }
    return .image(try g.addOne(BlockedChannels(channels: counts, map: map), parts, at: i))
  }

  /// The image and the factors of its channels, where `x` is their product and only node `i` uses
  /// it: a squeeze-and-excitation on its way into a convolution.
  private func gated(_ x: ValueID, by i: Int)
    -> (image: ValueID, factors: ValueID, node: Int)?
  {
    guard let product = images[x], g.users(x) == [i], !g.isOutput(x), g.users(product).isEmpty,
      let node = g.made(product, by: Mul.self)?.node, let a = g.input(node, 0),
      let b = g.input(node, 1), let dims = g.dims(product), dims.count == 5
    else { return nil }
    func isFactor(_ v: ValueID) -> Bool {
      g.dims(v).map { $0 == [dims[0], dims[1], 1, 1, dims[4]] } ?? false
    }
    if isFactor(b), g.dims(a) == dims { return (a, b, node) }
    if isFactor(a), g.dims(b) == dims { return (b, a, node) }
    return nil
  }

  /// A transposed convolution; those without a kernel in blocks stay as they are.
  private mutating func transposed(_ i: Int, _ op: ConvTranspose, _ x: ValueID)
    throws(EngineError) -> Made?
  {
    guard let w = g.input(i, 1), let weights = g.constant(w), weights.dtype == .float32 else {
      return nil
    }
    if weights.shape.rank == 5 { return try volumeTransposed(i, op, x, weights) }
    guard weights.shape.rank == 4, g.dtype(x) == .float32, g.dims(x)?.count == 4
    else { return nil }
    let (c, m) = (weights.shape[0], weights.shape[1])
    let isDense = (0...1).allSatisfy {
      op.window.dilation($0) == 1 && weights.shape[$0 + 2] >= op.window.stride($0)
    }
    guard op.group == 1, isDense, c > 0, m > 0 else {
      g.miss(i, "\(BlockedImages.name): it has groups, dilations or gaps")
      return nil
    }
    guard !op.isFewOutputs(weights.shape, width: g.dims(x)?.last?.known) else {
      g.miss(i, "\(BlockedImages.name): its few outputs are summed over planes")
      return nil
    }
    guard images[x] != nil || layout.padded(c) * layout.padded(m) * 2 <= 5 * c * m else {
      g.miss(i, "\(BlockedImages.name): too few channels to fill blocks")
      return nil
    }
    let inputs: [ValueID?] = [try image(x, at: i)] + g.node(i).inputs.dropFirst()
    return .image(
      try g.addOne(
        BlockedConvTranspose(op, block: layout.block), inputs, at: i, name: g.node(i).name))
  }

  /// The blocked form of an image, made here where there is none.
  mutating func image(_ v: ValueID, at place: Int) throws(EngineError) -> ValueID {
    if let known = images[v] { return known }
    let source = isLine(v) ? try g.addOne(Unsqueeze(), [v, g.addInts([2])], at: place) : v
    let made = try g.addOne(ToBlocked(block: layout.block), [source], at: place)
    images[v] = made
    return made
  }

  // MARK: Groups

  private func grouped(_ i: Int, _ x: ValueID, _ c: Int, _ groups: Int, _ epsilon: Float)
    throws(EngineError) -> Made?
  {
    guard let image = images[x], let scale = g.input(i, 1), let bias = g.input(i, 2),
      g.dims(scale) == [Dim(c)], g.dims(bias) == [Dim(c)], c % groups == 0
    else { return nil }
    let op = BlockedGroupNormalization(
      channels: c, groups: groups, epsilon: epsilon, depth: depth(x) ?? 1)
    return .image(try g.addOne(op, [image, scale, bias], at: i))
  }
}

extension BlockedLayout {
  /// Channels with those that fill the last block.
  func padded(_ channels: Int) -> Int { (channels + block - 1) / block * block }
}
