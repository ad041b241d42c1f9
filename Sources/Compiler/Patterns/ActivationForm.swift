import Graphs
import Operators
import Tensors

extension FusedActivation {
  /// The function of one input that a node computes, as fused operators name it. Nil for others,
  /// and where bounds are not constant.
  init?(_ g: GraphEditor, _ node: Int) {
    guard let made = FusedActivation.form(g, node) else { return nil }
    self = made
  }

  private static func form(_ g: GraphEditor, _ node: Int) -> FusedActivation? {
    func named(_ name: String, _ numbers: Float?...) -> FusedActivation? {
      try? FusedActivation(name, numbers)
    }
    switch g.node(node).op {
    case is Relu: return named("Relu")
    case is Sigmoid: return named("Sigmoid")
    case is Tanh: return named("Tanh")
    case is HardSwish: return named("HardSwish")
    case is Softplus: return named("Softplus")
    case is Softsign: return named("Softsign")
    case let op as LeakyRelu: return named("LeakyRelu", op.alpha)
    case let op as Elu: return named("Elu", op.alpha)
    case let op as HardSigmoid: return named("HardSigmoid", op.alpha, op.beta)
    case let op as Selu: return named("Selu", op.alpha, op.gamma)
    case let op as ThresholdedRelu: return named("ThresholdedRelu", op.alpha)
    case let op as Swish: return op.alpha == 1 ? named("Swish") : nil
    case let op as Gelu: return named(op.isTanh ? "GeluTanh" : "Gelu")
    case let op as Clip:
      guard let low = bound(g, node, 1, op.lower, -.greatestFiniteMagnitude),
        let high = bound(g, node, 2, op.upper, .greatestFiniteMagnitude)
      else { return nil }
      return low == 0 && high == .greatestFiniteMagnitude ? named("Relu") : named("Clip", low, high)
    default: return nil
    }
  }

  /// A bound of Clip; nil where it is not known before the run.
  private static func bound(
    _ g: GraphEditor, _ node: Int, _ i: Int, _ fixed: Float?, _ open: Float
  ) -> Float? {
    if let fixed { return fixed }
    guard let id = g.input(node, i) else { return open }
    return g.scalar(id).map { Float($0) }
  }
}

extension GraphEditor {
  /// Whether the two inputs of a sum, product or the like broadcast as NumPy's do; before opset 7
  /// they had other rules.
  func broadcastsBothWays(_ node: Int) -> Bool {
    switch self.node(node).op {
    case let op as Add: op.form == .both
    case let op as Sub: op.form == .both
    case let op as Mul: op.form == .both
    case let op as Div: op.form == .both
    case let op as PRelu: op.form == .both
    default: true
    }
  }
}
