import Graphs
import Kernels
import Operators
import Tensors

enum BlockedExpansion: Pass {
  static let name = "fuse-blocked-expansion"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "a 1x1 convolution in blocks whose result only a depthwise convolution uses, where "
      + "that result is larger than half of the second-level cache",
    makes: "one BlockedExpand, which computes both by bands of rows that stay in the cache",
    why: "the same sums in the same order; only where the numbers between lie is another thing")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let op = g.op(i, as: BlockedConv.self), op.conv.group > 1, !op.plainInput,
        let x = g.input(i, 0), let v = g.input(i, 1), let depths = g.constant(v),
        depths.shape.rank == 4, depths.shape[0] == op.conv.group, depths.shape[1] == 1,
        g.input(i, 3) == nil, let maker = g.made(x, by: BlockedConv.self),
        isPointwise(g, maker.node, maker.op), maker.op.block == op.block
      else { continue }
      guard g.hasOneUse(x) else {
        g.miss(i, "\(name): the expanded image has other uses")
        continue
      }
      guard let dims = g.dims(x), dims.count == 5, let h = dims[2].known, let w = dims[3].known
      else {
        g.miss(i, "\(name): the size of the expanded image is open")
        continue
      }
      guard
        BlockedExpandPlan.pays(middle: op.conv.group, height: h, width: w, lanes: op.block)
      else {
        g.miss(i, "\(name): the expanded image stays in the cache")
        continue
      }
      let fused = BlockedExpand(
        op.conv, op.activation, inner: maker.op.activation, block: op.block)
      let inputs: [ValueID?] = [
        g.input(maker.node, 0), g.input(maker.node, 1), v, g.input(maker.node, 2), g.input(i, 2),
      ]
      try g.fuse(i, [maker.node], into: fused, inputs, by: name)
    }
  }

  /// A convolution of kernel and stride 1 without pads, residual and factors.
  private static func isPointwise(_ g: GraphEditor, _ i: Int, _ op: BlockedConv) -> Bool {
    guard let weights = g.constant(g.input(i, 1)), weights.shape.rank == 4 else { return false }
    let window = op.conv.window
    return weights.shape[2] == 1 && weights.shape[3] == 1 && op.conv.group == 1
      && !op.plainInput && g.input(i, 3) == nil && g.input(i, 4) == nil
      && (0...1).allSatisfy { window.stride($0) == 1 }
      && (window.padsBegin + window.padsEnd).allSatisfy { $0 == 0 }
  }
}
