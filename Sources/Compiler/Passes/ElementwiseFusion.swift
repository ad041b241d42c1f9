import Graphs
import Kernels
import Operators
import Tensors

enum ElementwiseFusion: Pass {
  static let name = "fuse-elementwise"
  static let level = OptimizationLevel.all
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "elementwise operators of which each feeds the next alone, all with results of "
      + "one shape; their other operands may broadcast",
    makes: "one ElementwiseChain, which takes a tile of 1 KB through all of them, then the next; "
      + "short chains stay where an operand has one element for each of many short rows, which "
      + "costs what is saved",
    why: "the same functions of the same elements, by kernels with the same bits; what is between "
      + "is not written to memory")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var groups = ElementwiseGroups(g)
    for root in g.orderedNodes().reversed() {
      guard let group = groups.grow(from: root) else { continue }
      try group.fuse(g, by: name)
    }
  }
}
