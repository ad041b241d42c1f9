import Graphs
import Operators
import Tensors

// How BlockedWalk takes operators that only move channels.
extension BlockedWalk {
  /// The parts of an image that is cut along its channels, as pairs of plain and blocked values.
  mutating func divided(_ i: Int) throws(EngineError) -> [(ValueID, ValueID)]? {
    guard let op = g.op(i, as: Split.self), let x = g.input(i, 0), isChannels(op.axis, of: x),
      let image = images[x], let c = channels(x)
    else { return nil }
    let outputs = g.node(i).outputs.compactMap { $0 }
    let counts = outputs.compactMap { channels($0) }
    guard outputs.count == g.node(i).outputs.count, counts.count == outputs.count,
      counts.allSatisfy({ $0 > 0 }), counts.reduce(0, +) == c
    else { return nil }
    var parts: [(ValueID, ValueID)] = []
    var first = 0
    for (y, count) in zip(outputs, counts) {
      let op = BlockedChannels(channels: [c], map: Array(first..<first + count))
      parts.append((y, try g.addOne(op, [image], at: i)))
      first += count
    }
    return parts
  }

  /// A Reshape that makes an image: of tokens, or the end of a shuffle of channels, which is a
  /// Reshape into groups, their exchange with what is in them, and the way back.
  mutating func shuffled(_ i: Int, _ x: ValueID, _ y: ValueID) throws(EngineError)
    -> BlockedWalk.Made?
  {
    if let image = try image(ofTokens: x, y, at: i) { return .image(image) }
    guard let turned = g.made(x, by: Transpose.self), turned.op.perm == [0, 2, 1, 3, 4],
      let inner = g.input(turned.node, 0), let cut = g.made(inner, by: Reshape.self),
      let source = g.input(cut.node, 0), let image = images[source], let from = g.dims(source),
      let to = g.dims(y), let middle = g.dims(inner), middle.count == 5, from.count == 4,
      from == to, middle[0] == from[0], Array(middle[3...]) == Array(from[2...]),
      let groups = middle[1].known, let size = middle[2].known, from[1].known == groups * size
    else { return nil }
    let map = (0..<groups * size).map { $0 % groups * size + $0 / groups }
    return .image(
      try g.addOne(BlockedChannels(channels: [groups * size], map: map), [image], at: i))
  }

  /// The image of tokens `[N, H W, C]` that were turned to `[N, C, H W]`, where channels fill their
  /// blocks and only convolutions and sums with images want it.
  private mutating func image(ofTokens x: ValueID, _ y: ValueID, at i: Int) throws(EngineError)
    -> ValueID?
  {
    guard let turned = g.made(x, by: Transpose.self), turned.op.perm == [0, 2, 1],
      let tokens = g.input(turned.node, 0), let from = g.dims(tokens), from.count == 3,
      let to = g.dims(y), to.count == 4, to[0] == from[0], to[1] == from[2],
      let c = channels(y), c % layout.block == 0, let high = to[2].known, let wide = to[3].known,
      from[1].known == high * wide, !g.isOutput(y), !g.users(y).isEmpty,
      g.users(y).allSatisfy({ wantsImage($0, y) })
    else { return nil }
    let sizes = [0, high, wide, c / layout.block, layout.block]
    let rows = try g.addOne(Reshape(), [tokens, try g.addInts(sizes)], at: i)
    return try g.addOne(Transpose(perm: [0, 3, 1, 2, 4]), [rows], at: i)
  }

  /// The tokens `[N, H W, C]` of an image that a Reshape has made a line of, its value `x`.
  private func tokens(ofImage x: ValueID, at i: Int) throws(EngineError) -> ValueID? {
    guard let cut = g.made(x, by: Reshape.self), let source = g.input(cut.node, 0),
      let image = images[source], let from = g.dims(source), from.count == 4,
      let to = g.dims(x), to.count == 3, to[0] == from[0], to[1] == from[1],
      let c = channels(source), c % layout.block == 0
    else { return nil }
    let rows = try g.addOne(Transpose(perm: [0, 2, 3, 1, 4]), [image], at: i)
    return try g.addOne(Reshape(), [rows, try g.addInts([0, -1, c])], at: i)
  }

  /// An exchange of channels first with channels last, where they fill their blocks: whole blocks
  /// move. The way to channels first is taken where only convolutions and sums with images want it.
  mutating func turned(_ i: Int, _ op: Transpose, _ x: ValueID, _ y: ValueID)
    throws(EngineError) -> BlockedWalk.Made?
  {
    let block = layout.block
    if op.perm == [0, 2, 1], let tokens = try tokens(ofImage: x, at: i) { return .plain(tokens) }
    if op.perm == [0, 2, 1], let image = images[x], let c = channels(x), c % block == 0 {
      let rows = try g.addOne(Transpose(perm: [0, 3, 1, 2, 4]), [image], at: i)
      let shape = g.addConstant(try Tensor([0, 0, Int64(c)]))
      return .plain(try g.addOne(Reshape(), [rows, shape], at: i))
    }
    if op.perm == [0, 2, 3, 1], let image = images[x], let c = channels(x), c % block == 0 {
      let rows = try g.addOne(Transpose(perm: [0, 2, 3, 1, 4]), [image], at: i)
      let shape = g.addConstant(try Tensor([0, 0, 0, -1] as [Int64]))
      return .plain(try g.addOne(Reshape(), [rows, shape], at: i))
    }
    guard op.perm == [0, 3, 1, 2], let c = channels(y), c % block == 0, !g.isOutput(y),
      !g.users(y).isEmpty, g.users(y).allSatisfy({ wantsImage($0, y) })
    else { return nil }
    let shape = g.addConstant(try Tensor([0, 0, 0, c / block, block].map { Int64($0) }))
    let rows = try g.addOne(Reshape(), [x, shape], at: i)
    return .image(try g.addOne(Transpose(perm: [0, 3, 1, 2, 4]), [rows], at: i))
  }

  private func wantsImage(_ node: Int, _ y: ValueID) -> Bool {
    switch g.node(node).op {
    case is Conv, is FusedConv: true
    case is Add, is Mul: g.node(node).inputs.contains { $0.map { images[$0] != nil } ?? false }
    default: false
    }
  }
}
