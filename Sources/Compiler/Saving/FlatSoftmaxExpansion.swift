import Graphs
import Operators
import Tensors

/// Softmax, LogSoftmax or Hardmax as opsets before 13 have them, over all axes from one on taken as
/// one, in the forms of later opsets.
struct FlatSoftmaxExpansion {
  private let axis: SoftmaxAxis
  private let make: (SoftmaxAxis) -> any Operator

  /// Nil for other operators.
  init?(_ op: any Operator) {
    switch op {
    case let op as Softmax: (axis, make) = (op.axis, { Softmax($0) })
    case let op as LogSoftmax: (axis, make) = (op.axis, { LogSoftmax($0) })
    case let op as Hardmax: (axis, make) = (op.axis, { Hardmax($0) })
    default: return nil
    }
    guard axis.flattens else { return nil }
  }

  /// The operator over one axis that is the same; nil where more than one axis counts.
  func single(_ dims: [Dim]?) -> (any Operator)? {
    guard let dims, !dims.isEmpty else { return nil }
    let from = axis.axis < 0 ? axis.axis + dims.count : axis.axis
    guard from >= 0, from < dims.count else { return nil }
    let wide = (from..<dims.count).filter { dims[$0] != 1 }
    guard wide.count < 2 else { return nil }
    let place = wide.first ?? from
    return make(SoftmaxAxis(place == dims.count - 1 ? -1 : place))
  }

  /// The function of the matrix that the input is then, in the input's shape.
  ///
  /// Errors: those of inference.
  func expand(_ b: GraphBuilder, _ x: ValueID) throws(EngineError) -> ValueID {
    let flat = try b.apply(Flatten(axis: axis.axis), x)
    let result = try b.apply(make(SoftmaxAxis()), flat)
    return try b.apply(Reshape(), result, try b.apply(ShapeOp(), x))
  }
}
