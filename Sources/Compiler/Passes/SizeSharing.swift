import Graphs
import Operators
import Tensors

enum SizeSharing: Pass {
  static let name = "share-sizes"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "whole numbers worked out from sizes, as by Shape, Gather and Concat, that are known "
      + "to be those of a value made before",
    makes: "what uses them use the value made before",
    why: "both are the same sums and products of sizes of the inputs")

  private struct Key: Hashable {
    let type: DType
    let rank: Int
    let elements: [Dim]
  }

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    // Names that may stand for two sizes prove nothing.
    let doubtful = g.doubtfulSizes()
    var seen: [Key: ValueID] = [:]
    for i in g.orderedNodes() {
      guard let y = g.output(i), g.constant(y) == nil, let type = g.dtype(y), type.isInteger,
        let rank = g.dims(y)?.count, rank <= 1, let elements = g.fact(y).elements,
        elements.contains(where: { $0.known == nil }),
        elements.allSatisfy({ doubtful.isDisjoint(with: $0.symbols) })
      else { continue }
      let key = Key(type: type, rank: rank, elements: elements)
      guard let first = seen[key] else {
        seen[key] = y
        continue
      }
      g.bypass(i, with: first, by: name)
    }
  }
}
