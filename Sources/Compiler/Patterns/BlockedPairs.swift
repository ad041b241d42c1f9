import Graphs
import Operators
import Tensors

// How BlockedWalk takes operators of several inputs, and those with parameters for each channel.
extension BlockedWalk {
  /// An elementwise operator of two inputs, at least one of them an image in blocks.
  mutating func pair(_ i: Int, _ c: Int) throws(EngineError) -> BlockedWalk.Made? {
    guard g.node(i).inputs.count == 2, let a = g.input(i, 0), let b = g.input(i, 1),
      let op = g.node(i).op, images[a] != nil || images[b] != nil, let y = g.output(i),
      let rank = g.dims(y)?.count, canJoin(a, c, rank), canJoin(b, c, rank),
      g.broadcastsBothWays(i)
    else { return nil }
    let depth = depth(y)
    guard fits(a, depth), fits(b, depth) else { return nil }
    let left = try operand(a, c, depth, at: i)
    let right = try operand(b, c, depth, at: i)
    return .image(try g.addOne(op, [left, right], at: i))
  }

  /// Whether a value can meet an image of `rank` axes and `c` channels in blocks.
  private func canJoin(_ v: ValueID, _ c: Int, _ rank: Int) -> Bool {
    if images[v] == nil, let t = g.constant(v) {
      return t.dtype == .float32
        && (t.count == 1 && t.shape.rank <= rank || isPerChannel(t, c, rank))
    }
    return channels(v) == c && g.dims(v)?.count == rank
  }

  /// Whether a constant has one number for each of `c` channels and broadcasts along all else.
  private func isPerChannel(_ t: Tensor, _ c: Int, _ rank: Int) -> Bool {
    let axis = t.shape.rank - (rank - 1)
    return axis >= 0 && t.shape.rank <= rank && t.count == c && t.shape[axis] == c
  }

  private mutating func operand(_ v: ValueID, _ c: Int, _ depth: Int?, at place: Int)
    throws(EngineError) -> ValueID
  {
    if images[v] == nil, let t = g.constant(v) {
      if t.count == 1 { return v }
      guard let numbers = t.numbers else { return v }
      return try perChannel(numbers)
    }
    let made = try image(v, at: place)
    guard let depth, depth > 1, self.depth(v) == 1 else { return made }
    return try repeated(made, c, depth, at: place)
  }

  /// A constant `[blocks, 1, 1, block]` with a number for each channel, zero in lanes beyond.
  private func perChannel(_ numbers: [Double]) throws(EngineError) -> ValueID {
    var list = numbers.map { Float($0) }
    while list.count % layout.block != 0 { list.append(0) }
    return g.addConstant(
      try Tensor(shape: [list.count / layout.block, 1, 1, layout.block], list))
  }

  /// A BatchNormalization that no convolution took: a factor and a term for each channel.
  mutating func normalised(
    _ i: Int, _ op: BatchNormalization, _ x: ValueID, _ c: Int
  ) throws(EngineError) -> BlockedWalk.Made? {
    guard let image = images[x], !op.isTraining, op.isSpatial,
      let affine = ChannelAffine(g, i, op), affine.scale.count == c
    else { return nil }
    let scaled = try g.addOne(Mul(), [image, try perChannel(affine.scale)], at: i)
    return .image(try g.addOne(Add(), [scaled, try perChannel(affine.shift)], at: i))
  }

  /// Images side by side along the channels: as they are where each but the last fills its blocks,
  /// else with their lanes moved.
  mutating func joined(_ i: Int, _ op: Concat) throws(EngineError) -> BlockedWalk.Made? {
    let inputs = g.node(i).inputs.compactMap { $0 }
    guard let first = inputs.first, isChannels(op.axis, of: first),
      inputs.contains(where: { images[$0] != nil })
    else { return nil }
    let counts = inputs.compactMap { channels($0) }
    guard counts.count == inputs.count, counts.allSatisfy({ $0 > 0 }) else { return nil }
    var parts: [ValueID?] = []
    for v in inputs { parts.append(try image(v, at: i)) }
    guard counts.dropLast().allSatisfy({ $0 % layout.block == 0 }) else {
      return .image(try g.addOne(BlockedChannels(channels: counts), parts, at: i))
    }
    return .image(try g.addOne(Concat(axis: 1), parts, at: i))
  }

  /// Whether `axis` of an image is the one of its channels.
  func isChannels(_ axis: Int, of v: ValueID) -> Bool {
    guard let rank = g.dims(v)?.count else { return false }
    return (axis < 0 ? axis + rank : axis) == 1
  }

  /// A resizing of rows and columns by constant factors, or to constant sizes.
  mutating func resized(_ i: Int, _ x: ValueID) throws(EngineError) -> BlockedWalk.Made? {
    guard let image = images[x], let op = g.node(i).op else { return nil }
    var inputs = g.node(i).inputs
    if let op = op as? Resize, let to = sizes(of: op, inputs, x) {
      var some = op
      some.axes = [2, 3]
      return .image(
        try g.addOne(some, [image, nil, nil, g.addInts(to)], at: i, name: g.node(i).name))
    }
    let place = op is Upsample || inputs.count == 2 ? 1 : 2
    guard inputs.count == place + 1, let id = inputs[place], let scales = g.constant(id)?.numbers,
      scales.count == 4, scales[0] == 1, scales[1] == 1, place == 1 || isEmpty(inputs[1])
    else { return nil }
    inputs[0] = image
    if place == 2 { inputs[1] = nil }
    inputs[place] = g.addConstant(try Tensor((scales + [1]).map { Float($0) }))
    return .image(try g.addOne(op, inputs, at: i))
  }

  /// The height and width to which a Resize brings an image, all else kept; nil for others.
  private func sizes(of op: Resize, _ inputs: [ValueID?], _ x: ValueID) -> [Int]? {
    guard inputs.count == 4, isEmpty(inputs[1]), isEmpty(inputs[2]), let id = inputs[3],
      op.policy == .stretch, let dims = g.dims(x), dims.count == 4,
      let list = g.fact(id).elements
    else { return nil }
    if let axes = op.axes {
      return axes == [2, 3] && list.count == 2 ? positive(list) : nil
    }
    guard list.count == 4, list[0] == dims[0], list[1] == dims[1],
      g.doubtfulSizes().isDisjoint(with: dims[0].symbols)
    else { return nil }
    return positive([list[2], list[3]])
  }

  private func positive(_ list: [Dim]) -> [Int]? {
    let known = list.compactMap(\.known).filter { $0 > 0 }
    return known.count == list.count ? known : nil
  }

  private func isEmpty(_ v: ValueID?) -> Bool {
    guard let v else { return true }
    return g.constant(v).map { $0.count == 0 } ?? false
  }
}
