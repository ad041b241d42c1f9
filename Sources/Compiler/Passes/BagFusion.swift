import Graphs
import Operators
import Tensors

enum BagFusion: Pass {
  static let name = "fuse-embedding-bag"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor:
      "a Loop each of whose iterations takes rows of a table together, as both exporters of "
      + "torch.onnx write EmbeddingBag: their sum, mean or largest elements between two places of a "
      + "list",
    makes: "one EmbeddingBag",
    why: "the same numbers in the same order, without a graph that is run for each bag")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      if let bags = SteppedBagLoop(g, i) {
        let made = try bags.fused(at: i)
        g.note(i, "\(name): the loop before it became one operator")
        g.settle(i, [made])
        continue
      }
      guard let bags = BagLoop(g, i) else { continue }
      let made = try g.addOne(bags.op, bags.inputs, at: i, name: g.node(i).name)
      g.note(i, "\(name): became one operator")
      g.settle(i, [made])
    }
  }
}
