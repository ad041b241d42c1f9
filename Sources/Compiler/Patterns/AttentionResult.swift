import Graphs
import Operators
import Tensors

/// The result of attention as `[N, S, H * E]` or `[S, N, H * E]`, in place of `[N, H, S, E]` or
/// `[N * H, S, E]` and of the Transposes and Reshapes that merged heads.
struct AttentionResult {
  let value: ValueID
  let output: ValueID
  let batch: Dim
  let length: Dim
  let heads: Int
  let size: Int
  let isSequenceFirst: Bool

  private var dims: [Dim] {
    let width = Dim(heads) * Dim(size)
    return isSequenceFirst ? [length, batch, width] : [batch, length, width]
  }

  /// Makes what uses the old result, or what was made of it, use the new one.
  func replace(_ g: GraphEditor, at place: Int) throws(EngineError) {
    let old = g.dims(output) ?? []
    let plain = StridedView(of: value, dims)
    var view = plain
    // From [N, S, H * E] to what stands at `output`.
    let split: [Dim] = [dims[0], dims[1], Dim(heads), Dim(size)]
    guard view.reshape(to: split), view.transpose(isSequenceFirst ? [1, 2, 0, 3] : [0, 2, 1, 3]),
      old.count == 4 || view.reshape(to: old)
    else { return try restore(g, old, at: place) }
    var found: ValueID?
    var at = output
    while g.users(at).count == 1, !g.isOutput(at), let user = g.users(at).first,
      g.input(user, 0) == at, let y = g.output(user), view.apply(g, user, at, y)
    {
      at = y
      guard view.hasOrder(of: plain) else { continue }
      if g.dims(y) == dims {
        found = y
        break
      }
      if shape(g, y) != nil { found = y }
    }
    guard let found else { return try restore(g, old, at: place) }
    if g.dims(found) == dims {
      g.replace(found, with: value)
    } else if let shape = shape(g, found) {
      let id: ValueID
      switch shape {
      case .known(let list): id = g.addConstant(try Tensor(list))
      case .value(let v): id = v
      }
      g.replace(found, with: try g.addOne(Reshape(), [value, id], at: place))
    }
  }

  private enum ShapeInput {
    case known([Int64])
    case value(ValueID)
  }

  /// What a Reshape to the sizes of `v` takes.
  private func shape(_ g: GraphEditor, _ v: ValueID) -> ShapeInput? {
    guard let target = g.dims(v) else { return nil }
    if target.count(where: { $0.known == nil }) <= 1, !target.contains(0) {
      return .known(target.map { Int64($0.known ?? -1) })
    }
    guard let (node, op) = g.made(v, by: Reshape.self), op.fixed == nil, !op.allowZero,
      let shape = g.input(node, 1), let elements = g.fact(shape).elements,
      !elements.contains(0)
    else { return nil }
    return .value(shape)
  }

  /// Puts the old form behind the new result.
  private func restore(_ g: GraphEditor, _ old: [Dim], at place: Int) throws(EngineError) {
    let four = g.addConstant(try Tensor([0, 0, Int64(heads), Int64(size)]))
    var y = try g.addOne(Reshape(), [value, four], at: place)
    y = try g.addOne(
      Transpose(perm: isSequenceFirst ? [1, 2, 0, 3] : [0, 2, 1, 3]), [y], at: place)
    if old.count == 3 {
      let sizes = try g.addOne(ShapeOp(start: 2), [y], at: place)
      let rows = g.addConstant(try Tensor([-1] as [Int64]))
      y = try g.addOne(
        Reshape(), [y, try g.addOne(Concat(axis: 0), [rows, sizes], at: place)], at: place)
    }
    g.replace(output, with: y)
  }
}
