import Graphs
import Operators
import Tensors

enum ShapeArithmetic: Pass {
  static let name = "settle-shapes"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a Reshape or Expand whose target is computed from sizes that are open only where "
      + "the operator finds or copies them, a Reshape of what only another shape was given to, an "
      + "Expand or a fill that the next operator would broadcast itself, an Unsqueeze that is "
      + "taken back, a Transpose between them that only moves axes of size 1, sizes compared "
      + "with -1",
    makes: "constant targets with -1 for the open size and 0 (1 in an Expand) for copied ones, one "
      + "Reshape for two, and no Expand",
    why: "the number of elements leaves one size no choice, and a size copied from the same axis "
      + "is the same size; the order of elements is that of the first value throughout")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    let doubtful = g.doubtfulSizes()
    let sizes = Set(g.graph.inputs.flatMap { (g.dims($0) ?? []).flatMap(\.symbols) })
    for i in g.nodes where g.isLive(i) {
      switch g.node(i).op {
      case let op as Reshape:
        try settleReshape(g, i, op, doubtful)
        try joinReshapes(g, i, op)
      case is Expand:
        try settleExpand(g, i, doubtful)
        if let x = g.input(i, 0), let small = g.dims(x) { dropExpand(g, i, small, doubtful) { x } }
      case let op as ConstantOfShape:
        // As good as an Expand of one element.
        dropExpand(g, i, [1], doubtful) { g.addConstant(op.value.tensor) }
      case is Squeeze: undoUnsqueeze(g, i)
      case is Transpose: try settleTranspose(g, i)
      case is Equal: try settleEqual(g, i, sizes)
      default: break
      }
    }
  }

  private static func isCertain(_ dim: Dim, _ doubtful: Set<String>) -> Bool {
    doubtful.isDisjoint(with: dim.symbols)
  }

  // MARK: Reshape

  private static func settleReshape(
    _ g: GraphEditor, _ i: Int, _ op: Reshape, _ doubtful: Set<String>
  ) throws(EngineError) {
    guard op.fixed == nil, let shape = g.input(i, 1), g.constant(shape) == nil,
      let target = g.fact(shape).elements, let x = g.input(i, 0)
    else { return }
    let open = target.indices.filter { target[$0].known == nil }
    let known = target.compactMap(\.known)
    // Sizes of 0 are copies, or sizes where the operator says so; both keep their meaning only
    // where nothing else becomes 0.
    if op.allowZero && known.contains(0) { return }
    guard known.allSatisfy({ $0 >= -1 }) else { return }
    var list = target.map { $0.known ?? 0 }
    if open.count == 1, !known.contains(-1), known.allSatisfy({ $0 > 0 }) {
      list[open[0]] = -1
    } else if open.count == 1, known.allSatisfy({ $0 == -1 || $0 > 0 }),
      isCertain(target[open[0]], doubtful),
      let place = target.firstIndex(where: { $0.known == -1 }),
      let made = g.output(i).flatMap({ g.dims($0) }), made.count == target.count,
      let size = made[place].known, size > 0,
      (g.dims(x) ?? []).allSatisfy({ isCertain($0, doubtful) })
    {
      // The size that the operator was to find is known, and it finds the open one instead.
      list[place] = size
      list[open[0]] = -1
    } else {
      guard !op.allowZero, let dims = g.dims(x) else { return }
      for k in open where k >= dims.count || dims[k] != target[k] || !isCertain(dims[k], doubtful) {
        g.miss(i, "\(name): size \(target[k]) is neither copied nor the only open one")
        return
      }
    }
    g.setInput(i, 1, to: try g.addInts(list))
    g.note(i, "\(name): reshapes to \(list)")
  }

  /// Takes the value before other operators that only change the shape.
  private static func joinReshapes(
    _ g: GraphEditor, _ i: Int, _ op: Reshape
  ) throws(EngineError) {
    guard let x = g.input(i, 0), let m = g.maker(x), let source = g.input(m, 0),
      let y = g.output(i)
    else { return }
    switch g.node(m).op {
    case is Reshape, is Flatten, is Squeeze, is Unsqueeze: break
    default: return
    }
    guard var list = op.fixed ?? g.ints(g.input(i, 1)) else { return }
    if !op.allowZero, list.contains(0) {
      // A copied size has to be named before the axes change.
      guard let dims = g.dims(y), dims.count == list.count else { return }
      for k in list.indices where list[k] == 0 {
        if let n = dims[k].known {
          guard n > 0 else { return }
          list[k] = n
        } else if list.contains(-1) || list.count(where: { $0 == 0 }) > 1 {
          guard
            g.dims(source).map({ k < $0.count && $0[k] == dims[k] && isLeading(g, m, k) })
              ?? false
          else { return }
        } else {
          list[k] = -1
        }
      }
    }
    if op.fixed != nil {
      guard list == op.fixed else { return }
      g.setInput(i, 0, to: source)
    } else {
      if g.ints(g.input(i, 1)) != list { g.setInput(i, 1, to: try g.addInts(list)) }
      g.setInput(i, 0, to: source)
    }
    g.note(i, "\(name): takes the value before '\(g.node(m).name)'")
  }

  /// Whether the axis `k` of a node's result is, for certain, that of its input.
  private static func isLeading(_ g: GraphEditor, _ m: Int, _ k: Int) -> Bool {
    func isBefore(_ list: [Int]?, _ rank: Int?) -> Bool {
      guard let list, let rank, let own = axes(list, rank: rank) else { return false }
      return own.allSatisfy { $0 > k }
    }
    switch g.node(m).op {
    case let op as Reshape:
      guard !op.allowZero, let list = op.fixed ?? g.ints(g.input(m, 1)), k < list.count else {
        return false
      }
      return list[k] == 0
    case let op as Unsqueeze:
      return isBefore(op.axes ?? g.ints(g.input(m, 1)), g.output(m).flatMap { g.dims($0)?.count })
    case let op as Squeeze:
      return isBefore(op.axes ?? g.ints(g.input(m, 1)), g.input(m, 0).flatMap { g.dims($0)?.count })
    case let op as Flatten: return op.axis == 1 && k == 0
    default: return false
    }
  }

  /// A Transpose between changes of shape, which keeps the order of elements, is one of these.
  private static func settleTranspose(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let perm = TransposeMotion.order(g, i), let x = g.input(i, 0), let y = g.output(i),
      let from = g.dims(x), let to = g.dims(y), perm.sorted() == Array(from.indices),
      let m = g.maker(x),
      g.node(m).op is Reshape || g.node(m).op is Unsqueeze, !g.isOutput(y), !g.users(y).isEmpty,
      g.users(y).allSatisfy({ g.node($0).op is Reshape && g.input($0, 1) != y })
    else { return }
    let moved = perm.filter { from[$0].known != 1 }
    guard moved == moved.sorted(), to.filter({ $0.known == nil }).count <= 1,
      to.allSatisfy({ $0.known != 0 })
    else { return }
    let target = try g.addInts(to.map { $0.known ?? -1 })
    try g.fuse(i, into: Reshape(), [x, target], by: name)
  }

  private static func undoUnsqueeze(_ g: GraphEditor, _ i: Int) {
    guard let x = g.input(i, 0), let (m, before) = g.made(x, by: Unsqueeze.self),
      let source = g.input(m, 0), let rank = g.dims(x)?.count, let op: Squeeze = g.op(i),
      let given = op.axes ?? g.ints(g.input(i, 1)), let down = axes(given, rank: rank),
      let added = before.axes ?? g.ints(g.input(m, 1)), let up = axes(added, rank: rank),
      Set(up) == Set(down)
    else { return }
    g.bypass(i, with: source, by: name)
  }

  /// Sizes of inputs are never negative, so that whether they equal a negative number is known.
  private static func settleEqual(
    _ g: GraphEditor, _ i: Int, _ sizes: Set<String>
  ) throws(EngineError) {
    guard let a = g.input(i, 0), let b = g.input(i, 1), let y = g.output(i),
      g.constant(y) == nil, let shape = Fact(.bool, g.dims(y)).tensorType?.shape,
      let x = g.fact(a).elements, let z = g.fact(b).elements
    else { return }
    func isSize(_ dim: Dim) -> Bool { dim.symbol.map { sizes.contains($0) } ?? false }
    func isBelowZero(_ dim: Dim) -> Bool { dim.known.map { $0 < 0 } ?? false }
    var results: [Bool] = []
    for k in 0..<shape.count {
      guard let p = x.count == 1 ? x.first : k < x.count ? x[k] : nil,
        let q = z.count == 1 ? z.first : k < z.count ? z[k] : nil, shape.rank <= 1
      else { return }
      if let n = p.known, let m = q.known {
        results.append(n == m)
      } else if isSize(p) && isBelowZero(q) || isSize(q) && isBelowZero(p) {
        results.append(false)
      } else {
        return
      }
    }
    g.note(i, "\(name): no size is negative")
    g.makeConstant(i, [try Tensor(shape: shape, results)])
  }

  // MARK: Expand

  private static func settleExpand(
    _ g: GraphEditor, _ i: Int, _ doubtful: Set<String>
  ) throws(EngineError) {
    guard let shape = g.input(i, 1), g.constant(shape) == nil,
      let target = g.fact(shape).elements, let x = g.input(i, 0), let dims = g.dims(x)
    else { return }
    var list: [Int] = []
    for (k, size) in target.enumerated() {
      if let n = size.known {
        list.append(n)
        continue
      }
      let own = k - (target.count - dims.count)
      guard own >= 0, dims[own] == size, isCertain(size, doubtful) else { return }
      list.append(1)
    }
    guard list.allSatisfy({ $0 >= 0 }) else { return }
    g.setInput(i, 1, to: try g.addInts(list))
    g.note(i, "\(name): expands to \(list)")
  }

  /// Hands the value before an Expand to operators that broadcast it to the same sizes.
  private static func dropExpand(
    _ g: GraphEditor, _ i: Int, _ small: [Dim], _ doubtful: Set<String>, from: () -> ValueID
  ) {
    guard let y = g.output(i), let large = g.dims(y), small.count <= large.count else { return }
    for user in Set(g.users(y)).sorted() {
      let op = g.node(user).op
      let isProduct = op is MatMul && small.count > 1
      guard isProduct || op is any BinaryElementwise || op is Where,
        isProduct || g.broadcastsForward(user)
      else { continue }
      let others = g.node(user).inputs.filter { $0 != y }.compactMap { $0 }
      // A product broadcasts the axes before its last two.
      guard !isProduct || others.count == 1 && Array(small.suffix(2)) == Array(large.suffix(2))
      else { continue }
      let isCovered = large.indices.dropLast(isProduct ? 2 : 0).allSatisfy { axis in
        let own = axis - (large.count - small.count)
        guard isCertain(large[axis], doubtful) else { return false }
        if own >= 0, small[own] == large[axis] { return true }
        return others.contains { other in
          guard let dims = g.dims(other) else { return false }
          let k = axis - (large.count - dims.count)
          return k >= 0 && dims[k] == large[axis]
        }
      }
      guard isCovered else { continue }
      let x = from()
      for (k, input) in g.node(user).inputs.enumerated() where input == y {
        g.setInput(user, k, to: x)
      }
      g.note(i, "\(name): '\(g.node(user).name)' broadcasts by itself")
    }
  }
}

extension GraphEditor {
  /// Whether an elementwise operator broadcasts all its inputs as NumPy does.
  func broadcastsForward(_ node: Int) -> Bool {
    switch self.node(node).op {
    case is PRelu: false
    case let op as any BinaryElementwise: op.form == .both
    case let op as Pow: op.form == .both
    case is Where, is Max, is Min, is Sum, is Mean: true
    default: false
    }
  }
}
