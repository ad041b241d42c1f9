import Graphs
import Kernels
import Operators
import Tensors

enum AttentionFusion: Pass {
  static let name = "fuse-attention"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "softmax(Q K^T * scale + mask) V with the Reshapes and Transposes that split and "
      + "merge heads, heads of K and V repeated for several of Q, and caches put in front",
    makes: "one Attention, or a FusedAttention where heads lie within a larger tensor",
    why: "the same sums over the same elements, read where they are; a mask lower than -10,000 "
      + "leaves nothing of a score. Where a mask may hide every key of a query by -inf, the result "
      + "is NaN as before, by an attribute of FusedAttention")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var masks = MaskBuilder()
    for i in g.nodes where g.isLive(i) && g.node(i).op is Softmax {
      guard let found = AttentionPattern(g, i) else { continue }
      var why: String?
      if try !found.fuse(g, &masks, by: name, why: &why) {
        g.miss(i, "\(name): \(why ?? "its operands are no heads")")
      }
    }
  }
}
