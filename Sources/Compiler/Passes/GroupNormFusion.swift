import Graphs
import Operators
import Tensors

enum GroupNormFusion: Pass {
  static let name = "fuse-group-norm"
  static let level = OptimizationLevel.all
  static let about = PassText(
    looksFor: "an InstanceNormalization of an image whose groups of channels a Reshape made its "
      + "channels, and a Reshape that undoes this, then a factor and a sum for each channel",
    makes: "a GroupNormalization",
    why: "that is its definition; in this form it works in the layout that convolutions have")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard g.mayUse(opset: 21, options) else { return }
    for i in g.nodes where g.isLive(i) {
      guard let op = g.node(i).op as? InstanceNormalization, let found = Grouped(g, i) else {
        continue
      }
      try fuse(g, i, op.epsilon, found)
    }
  }

  /// The values around a normalisation of groups.
  private struct Grouped {
    /// The image, and the value that has its shape again.
    let x: ValueID
    let y: ValueID
    /// The reshapes on both sides.
    let nodes: [Int]
    let channels: Int
    let groups: Int
    /// A number for each group.
    let scale: [Float]
    let bias: [Float]

    init?(_ g: GraphEditor, _ i: Int) {
      guard let inner = g.input(i, 0), let outer = g.output(i), g.dtype(inner) == .float32,
        let scale = GroupNormFusion.floats(g, g.input(i, 1)),
        let bias = GroupNormFusion.floats(g, g.input(i, 2)), scale.count == bias.count,
        let (before, _) = g.made(inner, by: Reshape.self), let x = g.input(before, 0),
        let dims = g.dims(x), dims.count >= 3, let channels = dims[1].known,
        let grouped = g.dims(inner), grouped.count == 3, grouped[0] == dims[0],
        let groups = grouped[1].known, groups == scale.count, groups > 0, channels % groups == 0,
        !g.isOutput(outer), let after = g.users(outer).first, g.users(outer).count == 1,
        g.node(after).op is Reshape, let y = g.output(after), g.dims(y) == dims
      else { return nil }
      (self.x, self.y, nodes) = (x, y, [before, after])
      (self.channels, self.groups, self.scale, self.bias) = (channels, groups, scale, bias)
    }
  }

  private static func fuse(
    _ g: GraphEditor, _ i: Int, _ epsilon: Float, _ found: Grouped
  ) throws(EngineError) {
    let size = found.channels / found.groups
    var gain = (0..<found.channels).map { found.scale[$0 / size] }
    var shift = (0..<found.channels).map { found.bias[$0 / size] }
    guard let rank = g.dims(found.x)?.count else { return }
    // The reshape before may have other users; it stays for them.
    var gone = [i, found.nodes[1]]
    var y = found.y
    if let (node, factor) = parameter(g, y, Mul.self, found.channels, rank: rank) {
      for c in 0..<found.channels {
        gain[c] *= factor[c]
        shift[c] *= factor[c]
      }
      gone.append(node)
      y = g.output(node) ?? y
    }
    if let (node, term) = parameter(g, y, Add.self, found.channels, rank: rank) {
      for c in 0..<found.channels { shift[c] += term[c] }
      gone.append(node)
      y = g.output(node) ?? y
    }
    guard let root = gone.last, g.output(root) == y else { return }
    let scale = g.addConstant(try Tensor(shape: [found.channels], gain))
    let bias = g.addConstant(try Tensor(shape: [found.channels], shift))
    try g.fuse(
      root, gone.dropLast().sorted(),
      into: GroupNormalization(groups: found.groups, epsilon: epsilon), [found.x, scale, bias],
      by: name)
  }

  /// The only user of a value, where it joins it with a constant that has a number a channel.
  private static func parameter<Op: Operator>(
    _ g: GraphEditor, _ v: ValueID, _: Op.Type, _ channels: Int, rank: Int
  ) -> (node: Int, numbers: [Float])? {
    guard !g.isOutput(v), g.users(v).count == 1, let node = g.users(v).first,
      g.node(node).op is Op, let y = g.output(node), g.dims(y) == g.dims(v)
    else { return nil }
    for other in g.node(node).inputs where other != v {
      guard let other, let dims = g.dims(other)?.map({ $0.known ?? -1 }),
        let numbers = floats(g, other)
      else { return nil }
      if numbers.count == 1 {
        return (node, [Float](repeating: numbers[0], count: channels))
      }
      // [C, 1, 1] or [1, C, 1, 1] against an image of rank 4.
      let trailing = rank - 2
      guard dims.count > trailing, dims.suffix(trailing).allSatisfy({ $0 == 1 }),
        dims[dims.count - trailing - 1] == channels, numbers.count == channels
      else { return nil }
      return (node, numbers)
    }
    return nil
  }

  fileprivate static func floats(_ g: GraphEditor, _ v: ValueID?) -> [Float]? {
    guard let v, let constant = g.constant(v), constant.dtype == .float32 else { return nil }
    return try? constant.values(as: Float.self)
  }
}
