import Graphs
import Kernels
import Operators
import Tensors

extension ByteWalk {
  /// A pooling of a quantised image.
  mutating func pooled(
    _ node: Int, _ target: ByteTarget, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let x = known(g.input(node, 0)), x.image.isPlain, let y = g.output(node),
      let rank = g.dims(y)?.count, rank == 4 || rank == 2 && g.node(node).op is ReduceMean,
      target.low == 0, target.high == 255
    else { return nil }
    var op: any Operator
    switch g.node(node).op {
    case let pool as AveragePool:
      guard pool.window.kernel.count == 2, !pool.window.ceilMode else { return nil }
      op = ByteAveragePool(pool.window, countsPads: pool.countsPads, x.scale, target.scale)
    case is GlobalAveragePool: op = ByteAveragePool(Window(), x.scale, target.scale)
    case let mean as ReduceMean:
      guard mean.isOverPixels(g, node) else { return nil }
      op = ByteAveragePool(Window(), x.scale, target.scale)
    case let pool as MaxPool:
      guard isPlain(pool, node) else { return nil }
      let bytes = try g.addOne(ByteMaxPool(pool.window), [x.image.bytes], at: place)
      return try rescaled(
        ByteImage(bytes: bytes, channels: x.image.channels), x.scale, to: target.scale, at: place)
    default: return nil
    }
    let bytes = try g.addOne(op, [x.image.bytes], at: place)
    return ByteImage(
      bytes: bytes, channels: x.image.channels, row: rank == 2 ? (height: 1, width: 1) : nil)
  }

  /// Whether a pooling has two axes, gives no indices, and every window holds a pixel.
  private func isPlain(_ pool: MaxPool, _ node: Int) -> Bool {
    guard pool.window.kernel.count == 2 else { return false }
    for other in g.node(node).outputs.dropFirst() where other != nil { return false }
    return (0...1).allSatisfy { i in
      let extent = (pool.window.kernel[i] - 1) * pool.window.dilation(i) + 1
      let begin = i < pool.window.padsBegin.count ? pool.window.padsBegin[i] : 0
      let end = i < pool.window.padsEnd.count ? pool.window.padsEnd[i] : 0
      return begin < extent && end < extent && pool.window.dilation(i) == 1
    }
  }

  /// A node that moves numbers, between dequantisation and quantisation.
  mutating func moved(
    _ node: Int, _ target: ByteTarget, taking v: ValueID, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard target.low == 0, target.high == 255, let y = g.output(node) else { return nil }
    if let concat = g.node(node).op as? Concat {
      var parts: [ByteImage] = []
      guard g.node(node).inputs.contains(where: { known($0) != nil }),
        g.node(node).inputs.allSatisfy({ canBeImage($0) })
      else { return nil }
      for v in g.node(node).inputs {
        guard let x = try image(v, at: place) else { return nil }
        parts.append(try rescaled(x.image, x.scale, to: target.scale, at: place))
      }
      return try joined(concat, parts, y, at: place)
    }
    guard let x = known(g.input(node, 0)) else { return nil }
    var made = try part(node, x.image, taking: v, at: place)
    if made == nil {
      made = try padded(node, x.image, at: place) { value in
        let number = value.map { Float($0.asDouble(0) ?? .nan) } ?? 0
        let byte = x.scale.byte(number)
        return x.scale.value(byte) == number ? UInt8(byte) : nil
      }
    }
    if made == nil { made = try shaped(node, x.image, y, at: place) }
    guard let made else { return nil }
    return try rescaled(made, x.scale, to: target.scale, at: place)
  }

  /// A node that moves quantised numbers as they are.
  mutating func moved(_ node: Int, _ y: ValueID) throws(EngineError) -> ByteImage? {
    switch g.node(node).op {
    case let concat as Concat:
      let parts = g.node(node).inputs.compactMap { $0.flatMap { images[$0] } }
      guard parts.count == g.node(node).inputs.count else { return nil }
      return try joined(concat, parts, y, at: node)
    case let pool as MaxPool:
      guard let x = g.input(node, 0), let image = images[x], image.isPlain,
        isPlain(pool, node)
      else { return nil }
      let bytes = try g.addOne(ByteMaxPool(pool.window), [image.bytes], at: node)
      return ByteImage(bytes: bytes, channels: image.channels)
    case is CodeTable:
      guard let x = g.input(node, 0), let image = images[x],
        let codes = g.constant(g.input(node, 1)),
        let table = table(codes, from: g.dtype(x))
      else { return nil }
      tables[y] = (x, table)
      return try looked(image, table, at: node)
    default:
      guard let x = g.input(node, 0), let image = images[x], let type = g.dtype(x) else {
        return nil
      }
      if let made = try part(node, image, taking: y, at: node) { return made }
      let padded = try padded(node, image, at: node) { value in
        let code = value.map { Int($0.asDouble(0) ?? 0) } ?? 0
        return UInt8(exactly: code + (type == .int8 ? 128 : 0))
      }
      if let padded { return padded }
      return try shaped(node, image, y, at: node)
    }
  }

  /// A CodeTable's 256 results for the bytes of an image. Codes of int8 lie in images with their
  /// sign bit turned.
  private func table(_ codes: Tensor, from type: DType?) -> [UInt8]? {
    guard codes.count == 256, codes.dtype == .uint8 || codes.dtype == .int8,
      type == .uint8 || type == .int8
    else { return nil }
    let (turnIn, turnOut): (UInt8, UInt8) = (
      type == .int8 ? 0x80 : 0, codes.dtype == .int8 ? 0x80 : 0
    )
    let bytes = Array(codes.rawBytes)
    return (0..<256).map { bytes[Int(UInt8($0) ^ turnIn)] ^ turnOut }
  }

  private func joined(
    _ op: Concat, _ parts: [ByteImage], _ y: ValueID, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard g.dims(y)?.count == 4, op.axis == 1 || op.axis == -3 else { return nil }
    return try joined(parts, at: place)
  }

  /// A node that gives an image another shape or size.
  private func shaped(
    _ node: Int, _ image: ByteImage, _ y: ValueID, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard let x = g.input(node, 0), let from = g.dims(x), let to = g.dims(y) else { return nil }
    if let made = try shuffled(node, image, from, to, at: place) { return made }
    switch g.node(node).op {
    case is Identity: return image
    case is Flatten, is Reshape, is Squeeze:
      // A row of all that an image has.
      guard image.isPlain, from.count == 4, to.count == 2, to[0] == from[0],
        let height = from[2].known, let width = from[3].known,
        to[1].known == image.channels * height * width
      else { return nil }
      var made = image
      made.row = (height, width)
      return made
    case let op as Resize:
      guard from.count == 4, to.count == 4, op.mode == .nearest, op.axes == nil, image.isPlain,
        op.coordinates != .cropAndResize, to[0] == from[0], to[1] == from[1],
        let scales = try scales(node, op)
      else { return nil }
      let bytes = try g.addOne(
        op, [image.bytes] + scales, at: place)
      return ByteImage(bytes: bytes, channels: image.channels)
    default: return nil
    }
  }

  /// The inputs of a resizing behind the first, for channels that come last.
  private func scales(_ node: Int, _ op: Resize) throws(EngineError) -> [ValueID?]? {
    var list: [ValueID?] = []
    for v in g.node(node).inputs.dropFirst() {
      guard let v, let t = g.constant(v), t.count > 0 else {
        list.append(v == nil || g.constant(v)?.count == 0 ? nil : v)
        if let v, g.constant(v) == nil, list.last != nil { return nil }
        continue
      }
      guard t.count == 4 else { return nil }
      let order = [0, 2, 3, 1]
      if t.dtype == .float32 {
        let values = try t.values(as: Float.self)
        list.append(g.addConstant(try Tensor(order.map { values[$0] })))
      } else if t.dtype == .int64 {
        var values = try t.values(as: Int64.self)
        values[1] = Int64(BytePanels.step(Int(values[1])))
        list.append(g.addConstant(try Tensor(order.map { values[$0] })))
      } else {
        return nil
      }
    }
    return list
  }
}

extension ReduceMean {
  /// Whether it is the mean of all pixels of each channel.
  func isOverPixels(_ g: GraphEditor, _ i: Int) -> Bool {
    let list = axes.list ?? g.input(i, 1).flatMap { g.fact($0).knownInts }
    return list.map { Set($0.map { $0 < 0 ? $0 + 4 : $0 }) == [2, 3] } ?? false
  }
}
