import Graphs
import Operators
import Tensors

/// Where quantisers stand in a graph.
///
/// Layers take quantised inputs. What lies between them is drawn into integers where it takes only
/// what layers or other such nodes make, and a layer takes what comes of it: residual sums, pooling,
/// joins, moves. A convolution's output is always quantised, as other runtimes have no integer
/// convolution without; a product's only where somebody takes it as integers, since its sums can be
/// given as floats for nothing. An activation that follows alone goes before the quantiser.
struct Placement {
  /// Values with a quantiser behind them.
  private(set) var quantised: Set<ValueID> = []
  /// Of these the ones whose maker works on integers: all that use them see the rounded numbers.
  private(set) var made: Set<ValueID> = []
  /// Values that layers and integer nodes take rounded, by node.
  private(set) var taken: [Int: Set<ValueID>] = [:]
  /// The Relu or Clip from zero whose result is quantised, with what it takes.
  private(set) var activations: [ValueID: (node: Int, input: ValueID)] = [:]
  private(set) var groups = ValueGroups()
  /// The value behind which the quantiser of a layer or of an integer node stands, or would stand.
  private(set) var tails: [Int: ValueID] = [:]
  private var absorbed: Set<Int> = []

  init(_ g: GraphEditor, _ layers: [Layer]) {
    let products = layers.filter { $0.kind != .embedding }
    let byNode = Dictionary(products.map { ($0.node, $0) }, uniquingKeysWith: { a, _ in a })
    // What integer nodes could take, from the front.
    var available: Set<ValueID> = []
    var candidates: [Int: IntegerNode] = [:]
    for i in g.nodes where !absorbed.contains(i) {
      if let layer = byNode[i] {
        let isProduct = layer.kind == .matMul || layer.kind == .gemm || layer.kind == .attention
        tails[i] = tail(g, layer.output, addsBias: isProduct)
      } else if let node = IntegerNode(g, i), node.inputs.allSatisfy({ available.contains($0) }) {
        candidates[i] = node
        if node.outputs.count == 1, !node.sharesScale {
          tails[i] = tail(g, node.outputs[0], addsBias: false)
        }
        available.formUnion(node.outputs)
      }
      if let end = tails[i] { available.insert(end) }
    }
    // What is needed as integers, from the back.
    var needed: Set<ValueID> = []
    for i in g.nodes.reversed() {
      if let layer = byNode[i] {
        let inputs = [layer.input] + (layer.second.map { [$0] } ?? [])
        needed.formUnion(inputs)
        taken[i] = Set(inputs)
      } else if let node = candidates[i] {
        let ends = tails[i].map { [$0] } ?? node.outputs
        guard ends.contains(where: { needed.contains($0) }) else {
          candidates[i] = nil
          tails[i] = nil
          continue
        }
        needed.formUnion(node.inputs)
        taken[i] = Set(node.inputs)
        made.formUnion(ends)
        if node.sharesScale {
          for v in node.inputs.dropFirst() + node.outputs { groups.join(node.inputs[0], v) }
        }
      }
    }
    for layer in products {
      guard let end = tails[layer.node] else { continue }
      if layer.kind == .conv || needed.contains(end) { made.insert(end) }
    }
    quantised = needed.union(made)
    activations = activations.filter { made.contains($0.key) }
  }

  /// The value behind which a layer's quantiser stands: its result, or that of the activation that
  /// alone takes it; of a product the sum with a bias first.
  private mutating func tail(_ g: GraphEditor, _ output: ValueID, addsBias: Bool) -> ValueID {
    var end = output
    if addsBias, let i = onlyUser(g, end), g.op(i, as: Add.self) != nil, let sum = g.output(i),
      let other = g.node(i).inputs.compactMap({ $0 }).first(where: { $0 != end }),
      let bias = g.constant(other), bias.shape.rank <= 1 || bias.count == bias.shape.array.last
    {
      end = sum
    }
    if let i = onlyUser(g, end), Self.startsAtZero(g, i), let y = g.output(i) {
      activations[y] = (i, end)
      absorbed.insert(i)
      return y
    }
    return end
  }

  private func onlyUser(_ g: GraphEditor, _ v: ValueID) -> Int? {
    g.hasOneUse(v) ? g.users(v).first : nil
  }

  /// Whether a node is a Relu, or a Clip from zero.
  private static func startsAtZero(_ g: GraphEditor, _ i: Int) -> Bool {
    if g.op(i, as: Relu.self) != nil { return true }
    guard let clip: Clip = g.op(i) else { return false }
    return (clip.lower.map(Double.init) ?? g.scalar(g.input(i, 1))) == 0
  }
}
