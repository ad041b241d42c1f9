import Graphs
import Operators
import Tensors

/// A node of a prepared graph that can be quantised.
struct Layer: Sendable {
  enum Kind: Sendable {
    case conv, convTranspose, matMul, gemm
    /// A product of two activations.
    case attention
    /// A Gather of rows of a constant table.
    case embedding
  }
  let kind: Kind
  let node: Int
  let name: String
  let operatorName: String
  /// The activation; of an embedding the numbers of rows.
  let input: ValueID
  /// The second activation of a product of two.
  let second: ValueID?
  let weight: ValueID?
  /// The axis of the weights that output channels lie along; nil where one scale must do.
  let channelAxis: Int?
  let output: ValueID

  /// Whether weights are a matrix that blocks can be laid over.
  var isProduct: Bool { kind == .matMul || kind == .gemm }

  /// Rows of a table below which its bytes are not worth another three nodes.
  private static let smallestTable = 4096

  /// Everything in a graph that the mode quantises, in order.
  static func all(_ g: GraphEditor, _ options: QuantizationOptions) -> [Layer] {
    g.nodes.compactMap { find(g, $0, options) }
  }

  private static func find(
    _ g: GraphEditor, _ i: Int, _ options: QuantizationOptions
  ) -> Layer? {
    guard let x = g.input(i, 0), let y = g.output(i) else { return nil }
    func layer(_ kind: Kind, _ input: ValueID, _ weight: ValueID?, _ axis: Int?) -> Layer {
      Layer(
        kind: kind, node: i, name: g.graph.nodeName(i), operatorName: g.node(i).type, input: input,
        second: kind == .attention ? g.input(i, 1) : nil, weight: weight, channelAxis: axis,
        output: y)
    }
    let w = g.input(i, 1)
    let weights = w.flatMap { g.maker($0) == nil ? g.constant($0) : nil }
    switch g.node(i).op {
    case is Conv:
      guard isFloat(weights), let rank = weights?.shape.rank, rank >= 3, g.dtype(x) == .float32
      else { return nil }
      return layer(.conv, x, w, 0)
    case let op as ConvTranspose:
      guard options.mode != .dynamic, isFloat(weights), g.dtype(x) == .float32 else { return nil }
      // With groups a channel is a place along two axes.
      return layer(.convTranspose, x, w, op.group == 1 ? 1 : nil)
    case is MatMul:
      guard g.dtype(x) == .float32 else { return nil }
      if let weights {
        guard isFloat(weights), weights.shape.rank == 2, g.constant(x) == nil else { return nil }
        return layer(.matMul, x, w, 1)
      }
      guard options.attention, g.constant(x) == nil, let w, g.constant(w) == nil else { return nil }
      return layer(.attention, x, nil, nil)
    case let op as Gemm:
      guard isFloat(weights), weights?.shape.rank == 2, !op.transA, g.dtype(x) == .float32,
        g.constant(x) == nil
      else { return nil }
      return layer(.gemm, x, w, op.transB ? 0 : 1)
    case let op as Gather:
      guard op.axis == 0, let table = g.constant(x), isFloat(table), table.shape.rank == 2,
        g.maker(x) == nil, table.count >= smallestTable, let indices = w,
        g.constant(indices) == nil, !g.isOutput(x),
        g.users(x).allSatisfy({ ($0 == i || g.op($0, as: Gather.self) != nil) })
      else { return nil }
      return layer(.embedding, indices, x, 0)
    default: return nil
    }
  }

  private static func isFloat(_ t: Tensor?) -> Bool {
    guard let t, t.dtype == .float32, t.count > 0 else { return false }
    return t.elements(Float.self).allSatisfy(\.isFinite)
  }
}
