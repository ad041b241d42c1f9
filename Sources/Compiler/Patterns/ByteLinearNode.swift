import Graphs
import Operators
import Tensors

/// A QuantizedLinear and the places of its inputs.
struct ByteLinearNode {
  enum Place: Int {
    case bias = 6
    case residual, residualScale, residualZero, roundScale, roundZero, yScale, yZero
  }
  let node: Int
  let op: QuantizedLinear
  /// All 14 inputs, nil for those that are absent.
  var inputs: [ValueID?]

  init?(_ g: GraphEditor, _ node: Int?) {
    guard let node, let op: QuantizedLinear = g.op(node) else { return nil }
    self.node = node
    self.op = op
    let own = g.node(node).inputs
    inputs = own + Array(repeating: nil, count: max(0, 14 - own.count))
  }

  subscript(_ place: Place) -> ValueID? {
    get { inputs[place.rawValue] }
    set { inputs[place.rawValue] = newValue }
  }
  /// Whether results are float32.
  var isFloat: Bool { self[.yScale] == nil }
  /// Whether nothing follows the product but perhaps a rounding.
  var isPlain: Bool { self[.bias] == nil && isBeforeResidual && op.activation.name.isEmpty }
  var isBeforeResidual: Bool { isFloat && self[.residual] == nil }

  /// Inputs without absent ones at the end.
  var trimmed: [ValueID?] { Array(inputs[...(inputs.lastIndex { $0 != nil } ?? 0)]) }
}
