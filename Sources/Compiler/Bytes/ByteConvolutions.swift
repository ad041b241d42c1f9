import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// A convolution over two axes whose image and weights are quantised.
  mutating func convolution(
    _ node: Int, _ target: ByteTarget, adding other: ValueID? = nil, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let c = ConvNode(g, node), let bounds = c.activation.bounds, let y = g.output(node),
      g.dims(y)?.count == 4, canBeImage(c.inputs[0]),
      other == nil || c.residual == nil && c.activation.name.isEmpty
    else { return nil }
    var target = target
    target.bound(bounds.low, bounds.high)
    let residual = c.residual ?? other
    guard residual == nil || canBeImage(residual), let w = try ByteWeights(g, c.inputs[1], axis: 0),
      let shape = g.constant(w.values)?.shape, shape.rank == 4,
      let x = try image(c.inputs[0], at: place), x.image.isPlain
    else {
      g.miss(node, "\(ByteImages.name): its weights are not constant bytes")
      return nil
    }
    var inputs: [ValueID?] = [x.image.bytes, w.values, g.addConstant(try Tensor(w.scales))]
    if c.inputs.count > 2, let b = c.inputs[2] {
      guard let bias = try w.bias(g, b, input: x.scale, count: shape[0]) else {
        g.miss(node, "\(ByteImages.name): its bias is not constant")
        return nil
      }
      inputs.append(bias)
    }
    var added: ByteFinish.Residual?
    if let residual {
      guard let z = try image(residual, at: place) else { return nil }
      added = .init(z.scale)
      while inputs.count < 4 { inputs.append(nil) }
      inputs.append(z.image.bytes)
    }
    let op = ByteConv(
      c.conv, x.scale,
      ByteFinish(target.scale, low: target.low, high: target.high, residual: added))
    let bytes = try g.addOne(op, inputs, at: place, name: g.node(node).name)
    return ByteImage(bytes: bytes, channels: shape[0])
  }

  /// A product with a matrix of quantised weights: a convolution whose kernel is the whole image.
  mutating func dense(
    _ node: Int, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let l = LinearNode(g, node), l.residual == nil, let bounds = l.activation.bounds,
      let x = known(l.a), g.dims(l.a)?.count == 2,
      let w = try ByteWeights(g, l.b, axis: l.transB ? 0 : 1), let t = g.constant(w.values)
    else { return nil }
    let (height, width) = x.image.row ?? (1, 1)
    let (m, k) = l.transB ? (t.shape[0], t.shape[1]) : (t.shape[1], t.shape[0])
    guard k == x.image.channels * height * width else { return nil }
    var target = target
    target.bound(bounds.low, bounds.high)
    let shape: Shape = [m, x.image.channels, height, width]
    let weights: Tensor
    if l.transB {
      weights = try t.reshaped(shape)
    } else {
      let from = try t.values(as: Int8.self)
      weights = try Tensor(shape: shape, (0..<m * k).map { from[$0 % k * m + $0 / k] })
    }
    var inputs: [ValueID?] = [
      x.image.bytes, g.addConstant(weights), g.addConstant(try Tensor(w.scales)),
    ]
    if let b = l.bias {
      guard let bias = try w.bias(g, b, input: x.scale, count: m) else { return nil }
      inputs.append(bias)
    }
    let op = ByteConv(
      Conv(), x.scale, ByteFinish(target.scale, low: target.low, high: target.high))
    let bytes = try g.addOne(op, inputs, at: place, name: g.node(node).name)
    return ByteImage(bytes: bytes, channels: m)
  }

  /// A sum of two quantised images, or of one and a convolution.
  mutating func sum(
    _ node: Int, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let y = g.output(node), g.dims(y)?.count == 4 else { return nil }
    let pairs = g.pairs(y, Add.self)
    for (a, b) in pairs where g.dims(a) == g.dims(b) {
      if let made = try finished(a, b, target, at: place) { return made }
    }
    for (a, b) in pairs where g.dims(a) == g.dims(b) && g.hasOneUse(a) {
      guard let c = g.maker(a), ConvNode(g, c) != nil, canBeImage(b) else { continue }
      if let made = try convolution(c, target, adding: b, at: place) { return made }
    }
    guard let (a, b) = try operands(node, at: place) else { return nil }
    let op = ByteAdd(
      BytePairScales(a.scale, b.scale, to: target.scale, low: target.low, high: target.high))
    let bytes = try g.addOne(op, [a.image.bytes, b.image.bytes], at: place)
    return ByteImage(bytes: bytes, channels: a.image.channels)
  }

  /// The sum of `b` and of `a`, where `a` is what a convolution has made, for this sum alone: it
  /// adds `b` before it writes.
  private mutating func finished(
    _ a: ValueID, _ b: ValueID, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard g.hasOneUse(a), let x = known(a), let i = g.maker(a), let q = g.input(i, 0),
      g.hasOneUse(q), canBeImage(b), let made = g.made(x.image.bytes, by: ByteConv.self),
      made.op.finish.residual == nil, g.users(x.image.bytes).isEmpty, x.image.isPlain,
      made.op.finish.scale == x.scale, let z = try image(b, at: place), z.image.isPlain,
      z.image.bytes != x.image.bytes
    else { return nil }
    var inputs = g.node(made.node).inputs
    while inputs.count < 4 { inputs.append(nil) }
    inputs.append(z.image.bytes)
    let own = made.op.finish
    let residual = ByteFinish.Residual(
      z.scale, own: own.scale, ownLow: own.low, ownHigh: own.high)
    let op = ByteConv(
      made.op.conv, made.op.x,
      ByteFinish(target.scale, low: target.low, high: target.high, residual: residual))
    let bytes = try g.addOne(op, inputs, at: place, name: g.node(made.node).name)
    return ByteImage(bytes: bytes, channels: x.image.channels)
  }

  /// A product of two quantised images, or of one and a number for each of its channels.
  mutating func product(
    _ node: Int, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    // Both may come from one image, byte by byte: then a table does it.
    if let y = g.output(node), !curves(y).isEmpty { return nil }
    guard let (a, b) = try operands(node, at: place) else { return nil }
    let op = ByteMul(
      BytePairScales(a.scale, b.scale, to: target.scale, low: target.low, high: target.high))
    let bytes = try g.addOne(op, [a.image.bytes, b.image.bytes], at: place)
    return ByteImage(bytes: bytes, channels: a.image.channels)
  }

  private typealias Operand = (image: ByteImage, scale: PixelScale)

  /// The two images of a sum or product, the smaller one second; one at least is in bytes already.
  private mutating func operands(
    _ node: Int, at place: Int
  ) throws(EngineError) -> (Operand, Operand)? {
    guard let a = g.input(node, 0), let b = g.input(node, 1), let y = g.output(node),
      let dims = g.dims(y), dims.count == 4, g.broadcastsBothWays(node),
      known(a) != nil || known(b) != nil, canBeImage(a), canBeImage(b)
    else { return nil }
    func isRow(_ v: ValueID) -> Bool {
      g.dims(v).map { $0 == [dims[0], dims[1], 1, 1] } ?? false
    }
    let (large, small) = g.dims(a) == dims ? (a, b) : (b, a)
    guard g.dims(large) == dims, g.dims(small) == dims || isRow(small),
      let first = try image(large, at: place), let second = try image(small, at: place)
    else { return nil }
    return (first, second)
  }
}
