import Graphs
import Operators
import Tensors

/// A node as it is for inputs whose axes stand in another order: the same function, with axes,
/// pads and constants renumbered.
///
/// Where the node's data are `Transpose(perm)` of others, its results are `Transpose(perm)` of
/// what the turned node makes of those.
struct TurnedNode {
  enum Role {
    /// The value before its Transpose.
    case turned
    /// A constant, with its own axes moved.
    case constant
    /// As it is.
    case kept
    /// New integers.
    case list([Int])
  }
  let op: any Operator
  let roles: [Role]

  /// Nil where the operator depends on the order of axes, or not all its data are turned.
  init?(_ g: GraphEditor, _ i: Int, perm: [Int], isTurned: (ValueID) -> Bool) {
    let node = g.node(i)
    let rank = perm.count
    guard let old = node.op, let first = node.inputs.first else { return nil }
    let isDataTurned = first.map(isTurned) ?? false
    func moved(_ axis: Int) -> Int? {
      Compiler.axis(axis, rank: rank).map { perm[$0] }
    }
    func moved(_ list: [Int]) -> [Int]? {
      Compiler.axes(list, rank: rank).map { $0.map { perm[$0] } }
    }
    func only(_ made: (any Operator)?) -> (any Operator, [Role])? {
      guard isDataTurned, let made else { return nil }
      return (made, [Role.turned] + node.inputs.dropFirst().map { _ in Role.kept })
    }
    func pair() -> (any Operator, [Role])? {
      TurnedNode.roles(g, i, rank, isTurned).map { (old, $0) }
    }
    let made: (any Operator, [Role])?
    switch old {
    case is any UnaryElementwise, is Gelu, is Cast, is Identity, is Clip: made = only(old)
    case is QuantizeLinear, is DequantizeLinear:
      let isWhole = g.input(i, 1).flatMap { g.dims($0) }?.isEmpty ?? false
      made = isWhole ? only(old) : nil
    case is any BinaryElementwise, is Pow, is Where, is Max, is Min, is Sum, is Mean:
      made = g.broadcastsForward(i) || old is PRelu && g.broadcastsBothWays(i) ? pair() : nil
    case let op as Concat:
      guard let axis = moved(op.axis), let (_, roles) = pair() else { return nil }
      for case .kept in roles { return nil }
      made = (Concat(axis: axis), roles)
    case let op as Split:
      made = only(moved(op.axis).map { Split(axis: $0, sizes: op.sizes, parts: op.parts) })
    case let op as Softmax where !op.axis.flattens:
      made = only(moved(op.axis.axis).map { Softmax(SoftmaxAxis($0)) })
    case let op as LogSoftmax where !op.axis.flattens:
      made = only(moved(op.axis.axis).map { LogSoftmax(SoftmaxAxis($0)) })
    case let op as any Reduce where op.axes.keepDims:
      guard let (same, list) = TurnedNode.reduced(g, i, op, moved) else { return nil }
      guard let (new, plain) = only(same) else { return nil }
      var roles = plain
      if let list, roles.count > 1 { roles[1] = .list(list) }
      made = (new, roles)
    case let op as any ArgReduce where op.options.keepDims:
      made = only(
        moved(op.options.axis).map { axis in
          var options = op.options
          options.axis = axis
          return type(of: op).init(options)
        })
    case let op as Pad: made = TurnedNode.padded(g, i, op, perm, only)
    case let op as Slice: made = TurnedNode.sliced(g, i, op, moved, only)
    default: made = nil
    }
    guard let (turned, inputs) = made else { return nil }
    op = turned
    roles = inputs
  }

  /// How each input of an elementwise operator goes along; nil where one cannot.
  private static func roles(
    _ g: GraphEditor, _ i: Int, _ rank: Int, _ isTurned: (ValueID) -> Bool
  ) -> [Role]? {
    var roles: [Role] = []
    var turned = 0
    for case let v? in g.node(i).inputs {
      if isTurned(v) {
        roles.append(.turned)
        turned += 1
        continue
      }
      guard let dims = g.dims(v), dims.count <= rank else { return nil }
      if dims.allSatisfy({ $0.known == 1 }) {
        roles.append(.kept)
      } else if g.constant(v) != nil {
        roles.append(.constant)
      } else {
        return nil
      }
    }
    return turned > 0 && roles.count == g.node(i).inputs.count ? roles : nil
  }

  private static func reduced(
    _ g: GraphEditor, _ i: Int, _ op: any Reduce, _ moved: ([Int]) -> [Int]?
  ) -> (any Operator, [Int]?)? {
    if let given = g.input(i, 1) {
      guard let list = g.ints(given), let axes = moved(list) else { return nil }
      return (op, axes)
    }
    guard let list = op.axes.list, !list.isEmpty else { return (op, nil) }
    guard let axes = moved(list) else { return nil }
    return (
      type(of: op).init(
        ReduceAxes(axes, keepDims: true, noopWithEmptyAxes: op.axes.noopWithEmptyAxes)), nil
    )
  }

  private typealias Only = ((any Operator)?) -> (any Operator, [Role])?

  private static func padded(
    _ g: GraphEditor, _ i: Int, _ op: Pad, _ perm: [Int], _ only: Only
  ) -> (any Operator, [Role])? {
    let rank = perm.count
    guard g.input(i, 3) == nil, let pads = op.pads ?? g.ints(g.input(i, 1)),
      pads.count == 2 * rank
    else { return nil }
    var list = pads
    for (k, axis) in perm.enumerated() {
      list[axis] = pads[k]
      list[rank + axis] = pads[rank + k]
    }
    if op.pads != nil { return only(Pad(mode: op.mode, pads: list, value: op.value)) }
    guard let (made, plain) = only(op), plain.count > 1 else { return nil }
    var roles = plain
    roles[1] = .list(list)
    return (made, roles)
  }

  private static func sliced(
    _ g: GraphEditor, _ i: Int, _ op: Slice, _ moved: ([Int]) -> [Int]?, _ only: Only
  ) -> (any Operator, [Role])? {
    if let starts = op.starts {
      guard let axes = moved(op.axes ?? Array(starts.indices)) else { return nil }
      return only(Slice(starts: starts, ends: op.ends, axes: axes))
    }
    var given: [Int]?
    if let axes = g.input(i, 3) {
      given = g.ints(axes)
    } else if let count = g.input(i, 1).flatMap({ g.dims($0)?.first?.known }), count <= 8 {
      given = Array(0..<count)
    }
    guard let given, let axes = moved(given), let (made, plain) = only(op) else { return nil }
    var roles = plain
    if roles.count > 3 { roles[3] = .list(axes) } else { roles.append(.list(axes)) }
    return (made, roles)
  }

  /// The inputs, with `unturned` the values before their Transposes.
  func inputs(
    _ g: GraphEditor, _ i: Int, perm: [Int], _ unturned: (ValueID) -> ValueID?
  ) throws(EngineError) -> [ValueID?] {
    var result: [ValueID?] = []
    for (k, role) in roles.enumerated() {
      let v = g.input(i, k)
      switch role {
      case .kept: result.append(v)
      case .list(let list): result.append(try g.addInts(list))
      case .turned:
        guard let v, let source = unturned(v) else {
          throw EngineError(.internalDefect, "a value has no form with its axes in place")
        }
        result.append(source)
      case .constant:
        guard let t = g.constant(v) else {
          throw EngineError(.internalDefect, "a constant is none")
        }
        result.append(g.addConstant(try t.turnedBack(perm)))
      }
    }
    return result
  }
}

extension Array where Element == Int {
  /// The permutation that undoes this one.
  var inverse: [Int] {
    var result = self
    for (i, axis) in enumerated() { result[axis] = i }
    return result
  }
}

extension Tensor {
  /// The tensor that `Transpose(perm)` makes this one of, axes of size 1 put in front first.
  func turnedBack(_ perm: [Int]) throws(EngineError) -> Tensor {
    let ones = [Int](repeating: 1, count: perm.count - shape.rank)
    let wide = try reshaped(Shape(checking: ones + shape.array))
    let values = try Eager().evaluate(
      Transpose(perm: perm.inverse), [.tensor(wide)], outputs: 1, runner: nil)
    guard let first = values.first, let value = first else {
      throw EngineError(.internalDefect, "a Transpose without a result")
    }
    return try value.asTensor()
  }
}
