import Graphs
import Operators
import Tensors

enum AttentionPacking: Pass {
  static let name = "pack-attention-gradients"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "an Attention and its AttentionGradient whose queries, keys and values one product "
      + "holds, [N, S, 3 W], with the Splits, Transposes and Concats between them",
    makes: "a FusedAttention and a PackedAttentionGradient, which read and write heads there",
    why: "the same sums over the same elements, without copies of them")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let found = PackedHeads(g, i) else { continue }
      try found.fuse(g)
    }
  }
}

/// An AttentionGradient of three parts of one product, the Attention that it belongs to, and where
/// its results are joined.
private struct PackedHeads {
  let gradient: Int
  let op: AttentionGradient
  let attention: Int
  let join: Int
  let product: ValueID
  let upstream: HeadOperand
  let query: HeadOperand

  init?(_ g: GraphEditor, _ node: Int) {
    guard let op: AttentionGradient = g.op(node), g.node(node).inputs.count == 4,
      g.node(node).outputs.count == 3
    else { return nil }
    var parts: [HeadOperand] = []
    for i in 0..<4 {
      guard let v = g.input(node, i), let heads = PackedHeads.rows(g, v) else { return nil }
      parts.append(heads)
    }
    let (first, last) = (parts[0], parts[3])
    let width = first.heads * first.places.size
    for (i, part) in parts.enumerated() {
      guard part.heads == first.heads, part.places.size == first.places.size,
        part.heads == 1 || part.places.stride == part.places.size,
        part.places.offset == (i < 3 ? i * width : 0), i == 3 || part.source == first.source
      else { return nil }
    }
    guard let dims = g.dims(first.source), dims[2].known == 3 * width, last.isWhole,
      let attention = PackedHeads.attention(g, node, op),
      let join = PackedHeads.join(g, node, width: width)
    else { return nil }
    (gradient, self.op, self.attention, self.join) = (node, op, attention, join)
    (product, upstream, query) = (first.source, last, first)
  }

  /// The heads of a value within rows `[N, S, W]`.
  private static func rows(_ g: GraphEditor, _ v: ValueID) -> HeadOperand? {
    HeadOperand.all(g, v).first {
      $0.rank == 3 && $0.isSequenceFirst != true && $0.repeats == 1 && $0.factor == 1
    }
  }

  /// The one Attention of the same operands.
  private static func attention(
    _ g: GraphEditor, _ node: Int, _ op: AttentionGradient
  ) -> Int? {
    guard let q = g.input(node, 0) else { return nil }
    var plain = Attention.Options()
    (plain.isCausal, plain.scale) = (op.isCausal, op.scale)
    return g.users(q).first { user in
      guard let found: Attention = g.op(user), found.options == plain,
        g.node(user).outputs.count == 1
      else { return false }
      return (0..<3).allSatisfy { g.input(user, $0) == g.input(node, $0) }
        && (3..<max(3, g.node(user).inputs.count)).allSatisfy { g.input(user, $0) == nil }
    }
  }

  /// The Concat of the three gradients, turned back to rows.
  private static func join(_ g: GraphEditor, _ node: Int, width: Int) -> Int? {
    var joins: [Int] = []
    for i in 0..<3 {
      guard let y = g.output(node, i), g.hasOneUse(y), let turn = g.users(y).first,
        let transpose: Transpose = g.op(turn), transpose.perm == [0, 2, 1, 3],
        let turned = g.output(turn), g.hasOneUse(turned), let merge = g.users(turned).first,
        g.node(merge).op is Reshape, let rows = g.output(merge), g.hasOneUse(rows),
        let dims = g.dims(rows), dims.count == 3, dims[2].known == width,
        dims[0] == g.dims(turned)?[0], let user = g.users(rows).first,
        let concat: Concat = g.op(user), concat.axis == 2 || concat.axis == -1,
        g.node(user).inputs.count == 3, g.input(user, i) == rows
      else { return nil }
      joins.append(user)
    }
    return joins.allSatisfy { $0 == joins[0] } ? joins[0] : nil
  }

  func fuse(_ g: GraphEditor) throws(EngineError) {
    guard let result = g.output(attention), let joined = g.output(join) else { return }
    var o = Attention.Options()
    (o.isCausal, o.scale) = (op.isCausal, op.scale)
    (o.queryHeads, o.keyHeads) = (query.heads, query.heads)
    let size = query.places.size
    let width = query.heads * size
    let places = (0..<3).map { HeadPlaces(offset: $0 * width, stride: size, size: size) }
    let y = try g.addOne(
      FusedAttention(o, places), [product, product, product], at: attention,
      name: g.node(attention).name)
    try AttentionResult(
      value: y, output: result, batch: query.batch, length: query.length, heads: query.heads,
      size: size, isSequenceFirst: false
    ).replace(g, at: attention)
    let slopes = try g.addOne(
      PackedAttentionGradient(heads: query.heads, isCausal: op.isCausal, scale: op.scale),
      [product, upstream.source], at: join, name: g.node(gradient).name)
    g.replace(joined, with: slopes)
    g.note(gradient, "\(AttentionPacking.name): part of PackedAttentionGradient")
  }
}
