import Graphs
import Kernels
import Operators
import Tensors

enum AttentionFusion: Pass {
  static let name = "fuse-attention"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "softmax(Q K^T * scale + mask) V, or an Attention, with the Reshapes and Transposes "
      + "that split and merge heads, heads of K and V repeated for several of Q, and caches put in "
      + "front",
    makes: "one Attention, or a FusedAttention where heads lie within a larger tensor",
    why: "the same sums over the same elements, read where they are; a mask lower than -10,000 "
      + "leaves nothing of a score. Where a mask may hide every key of a query by -inf, the result "
      + "is NaN as before, by an attribute of FusedAttention")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Attention { try absorb(g, i) }
    var masks = MaskBuilder()
    for i in g.nodes where g.isLive(i) && g.node(i).op is Softmax {
      guard let found = AttentionPattern(g, i) else { continue }
      var why: String?
      if try !found.fuse(g, &masks, by: name, why: &why) {
        g.miss(i, "\(name): \(why ?? "its operands are no heads")")
      }
    }
  }
  /// Makes an Attention of heads `[N, H, S, E]` read them within the tensors they were cut from.
  private static func absorb(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let op: Attention = g.op(i), op.options.queryHeads == nil, op.options.keyHeads == nil,
      g.node(i).inputs.count <= 4, g.node(i).outputs.count == 1, let output = g.output(i),
      let q = g.input(i, 0), let k = g.input(i, 1), let v = g.input(i, 2),
      g.dims(q)?.count == 4
    else { return }
    let mask = g.input(i, 3)
    guard
      let found = AttentionOperands(
        g, q, k, v, masks: mask.map { [$0] } ?? [], isKeyTransposed: false),
      found.past == nil, found.query.rank == 3 || found.key.repeats > 1
    else { return }
    var o = op.options
    let factor = found.query.factor * found.keyFactor
    if factor != 1 {
      let scale = o.scale.map { Double($0) } ?? 1 / Double(found.query.places.size).squareRoot()
      o.scale = Float(scale * factor)
    }
    try found.emit(
      g, o, mask: mask, givesNaN: false, replacing: output, parts: [i], by: name)
  }
}
