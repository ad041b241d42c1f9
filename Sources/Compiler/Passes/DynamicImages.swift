import Graphs
import Kernels
import Operators
import Tensors

enum DynamicImages: Pass {
  static let name = "dynamic-byte-images"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "convolutions over two axes with quantised weights, of what a DynamicQuantizeLinear "
      + "has made",
    makes: "convolutions of bytes whose channels lie side by side, with float32 results in blocks "
      + "of channels, and changes of layout around them",
    why: "sums of products of bytes are exact, and the scale that each run finds multiplies them "
      + "as it multiplies the numbers")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard InstructionSet.current >= .avx2 else { return }
    var walk = DynamicWalk(g: g, layout: BlockedLayout.best)
    for i in g.orderedNodes() where g.isLive(i) {
      if let c = ConvNode(g, i) { try walk.convolution(c) }
    }
  }
}

/// One walk through a graph, from its inputs to its outputs.
private struct DynamicWalk {
  let g: GraphEditor
  let layout: BlockedLayout
  /// Images in blocks of channels.
  private var blocked: [ValueID: ValueID] = [:]
  /// Codes of plain images as bytes side by side, with their scales and zero points.
  private var bytes: [ValueID: [ValueID]] = [:]

  init(g: GraphEditor, layout: BlockedLayout) { (self.g, self.layout) = (g, layout) }

  mutating func convolution(_ c: ConvNode) throws(EngineError) {
    guard let x = ByteCodes(g, c.inputs[0]),
      let (maker, _) = g.made(x.codes, by: DynamicQuantizeLinear.self),
      g.output(maker, 1) == x.scale, g.output(maker, 2) == x.zero, let source = g.input(maker, 0),
      g.dims(source)?.count == 4
    else { return }
    guard let w = try weights(c.inputs[1]), let shape = g.constant(w.values)?.shape,
      shape.rank == 4, w.zero == 0 || c.conv.group == 1
    else {
      g.miss(
        c.node,
        "\(DynamicImages.name): its weights are not constant bytes, or do not fit int8 "
          + "without their zero points and it has groups")
      return
    }
    let m = shape[0]
    guard shape[1] > 1 || m == c.conv.group, m >= layout.block / 2 else {
      g.miss(c.node, "\(DynamicImages.name): results are few, or several of each channel")
      return
    }
    guard c.activation.keepsZero || m % layout.block == 0 else {
      g.miss(c.node, "\(DynamicImages.name): its function would fill empty lanes")
      return
    }
    var bias: ValueID?
    if c.inputs.count > 2, let b = c.inputs[2] {
      guard let t = g.constant(b), t.dtype == .float32, t.count == m else { return }
      bias = b
    }
    guard let image = try image(source, x, at: c.node) else { return }
    var inputs: [ValueID?] = image.map { $0 }
    inputs += [w.values, g.addConstant(try Tensor(w.scales)), bias]
    if let z = c.residual { inputs.append(try inBlocks(z, at: c.node)) }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    let made = try g.addOne(
      DynamicByteConv(c.conv, c.activation, block: layout.block, weightZero: w.zero), inputs,
      at: c.node, name: g.node(c.node).name)
    if let plain = try g.fuse(
      c.node, [], into: FromBlocked(channels: m), [made], by: DynamicImages.name)
    {
      blocked[plain] = made
    }
  }

  private mutating func inBlocks(_ v: ValueID, at place: Int) throws(EngineError) -> ValueID {
    if let known = blocked[v] { return known }
    let made = try g.addOne(ToBlocked(block: layout.block), [v], at: place)
    blocked[v] = made
    return made
  }

  /// Bytes, scale and zero point of a plain image; nil where its channels are not known.
  private mutating func image(
    _ source: ValueID, _ x: ByteCodes, at place: Int
  ) throws(EngineError) -> [ValueID]? {
    if let known = bytes[x.codes] { return known }
    guard let channels = g.dims(source)?[1].known else { return nil }
    // Few channels would leave most of a block empty.
    let isBlocked = channels >= layout.block / 2 || blocked[source] != nil
    let image = isBlocked ? try inBlocks(source, at: place) : source
    let made = try g.add(DynamicToBytes(channels: channels), [image], outputs: 3, at: place)
    bytes[x.codes] = made
    return made
  }

  /// Weights as int8, and the zero point that all of them have.
  private func weights(
    _ v: ValueID?
  ) throws(EngineError) -> (values: ValueID, scales: [Float], zero: Int)? {
    if let w = try ByteWeights(g, v, axis: 0) { return (w.values, w.scales, 0) }
    guard let codes = ByteCodes(g, v), let t = g.constant(codes.codes), t.shape.rank > 0,
      let s = g.constant(codes.scale), let z = g.constant(codes.zero), z.count > 0,
      s.count == 1 || s.count == t.shape[0] && codes.axis == 0, let zero = z.asDouble(0),
      (0..<z.count).allSatisfy({ z.asDouble($0) == zero })
    else { return nil }
    let scales = try s.values(as: Float.self)
    guard scales.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return nil }
    if t.dtype == .int8 { return (codes.codes, scales, Int(zero)) }
    let moved = try t.values(as: UInt8.self).map { Int8(Int($0) - 128) }
    return (g.addConstant(try Tensor(shape: t.shape, moved)), scales, Int(zero) - 128)
  }
}
