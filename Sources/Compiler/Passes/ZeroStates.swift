import Graphs
import Operators
import Tensors

enum ZeroStates: Pass {
  static let name = "drop-zero-states"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a recurrent layer whose first states are zeros, as exporters make them from the "
      + "sizes of its input",
    makes: "the layer without these inputs; what computed their sizes is needed no more",
    why: "a state that is not given is zero")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      let states: [Int]
      switch g.node(i).op {
      case is LSTM: states = [5, 6]
      case is GRU, is RNN: states = [5]
      default: continue
      }
      for k in states {
        guard let v = g.input(i, k), isZero(g, v, depth: 8) else { continue }
        g.setInput(i, k, to: nil)
        g.note(i, "\(name): starts from zeros by itself")
      }
    }
  }

  /// Whether every element is zero, however many there are.
  private static func isZero(_ g: GraphEditor, _ v: ValueID, depth: Int) -> Bool {
    if g.constant(v) != nil { return g.uniform(v) == 0 }
    guard depth > 0, let i = g.maker(v) else { return false }
    switch g.node(i).op {
    case let op as ConstantOfShape: return op.value.tensor.asDouble(0) == 0
    case is Slice, is Split, is Expand, is Reshape, is Squeeze, is Unsqueeze, is Transpose,
      is Identity, is Tile, is Gather:
      return g.input(i, 0).map { isZero(g, $0, depth: depth - 1) } ?? false
    case is Concat:
      return g.node(i).inputs.allSatisfy { $0.map { isZero(g, $0, depth: depth - 1) } ?? false }
    default: return false
    }
  }
}
