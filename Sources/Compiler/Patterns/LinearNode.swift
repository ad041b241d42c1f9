import Graphs
import Operators
import Tensors

/// A product with a matrix, and what was joined to it so far.
struct LinearNode {
  let node: Int
  let a: ValueID
  let b: ValueID
  let bias: ValueID?
  let residual: ValueID?
  let transB: Bool
  let activation: FusedActivation

  /// Nil for other operators, where B is not known to be a matrix, for factors other than 1, and
  /// for types that FusedLinear does not take.
  init?(_ g: GraphEditor, _ node: Int?) {
    guard let node, let a = g.input(node, 0), let b = g.input(node, 1),
      g.dims(b)?.count == 2, let rank = g.dims(a)?.count, rank > 0,
      (g.dtype(a) ?? g.dtype(b))?.isFloat ?? false
    else { return nil }
    self.node = node
    self.a = a
    self.b = b
    switch g.node(node).op {
    case is MatMul:
      (bias, residual, transB, activation) = (nil, nil, false, FusedActivation())
    case let op as Gemm:
      let c = g.input(node, 2)
      guard op.alpha == 1, !op.transA, op.beta == 1 || c == nil else { return nil }
      if let c {
        guard let dims = g.dims(c), dims.count == 1, let y = g.output(node),
          dims[0] == g.dims(y)?.last
        else { return nil }
      }
      (bias, residual, transB, activation) = (c, nil, op.transB, FusedActivation())
    case let op as FusedLinear:
      (bias, residual) = (g.input(node, 2), g.input(node, 3))
      (transB, activation) = (op.transB, op.activation)
    default: return nil
    }
  }

  /// The length of results.
  func width(_ g: GraphEditor) -> Dim? { g.dims(b)?[transB ? 0 : 1] }

  var isPlain: Bool { activation.name.isEmpty && residual == nil }

  /// The inputs of a FusedLinear, those at the end left out where absent.
  func inputs(bias: ValueID? = nil, residual: ValueID? = nil) -> [ValueID?] {
    let list: [ValueID?] = [a, b, bias ?? self.bias, residual ?? self.residual]
    return Array(list[...(list.lastIndex { $0 != nil } ?? 1)])
  }
}
