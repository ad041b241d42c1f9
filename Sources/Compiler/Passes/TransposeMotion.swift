import Graphs
import Operators
import Tensors

enum TransposeMotion: Pass {
  static let name = "move-transposes"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "Transposes with the operators between them: elementwise functions, sums, Concat, "
      + "Split, Pad, Slice, Softmax and reductions, as exporters of channels-last networks write "
      + "them around every convolution",
    makes: "the operators on the values before the Transposes, with axes, pads and constants "
      + "renumbered, and Transposes only where their results leave, which meet others and cancel; "
      + "only where fewer are left",
    why: "f(transpose(x)) = transpose(f'(x)) where f' is f with its axes renamed")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      try join(g, i)
      try absorb(g, i)
    }
    var tried: Set<[Int]> = []
    for i in g.nodes where g.isLive(i) {
      guard let perm = order(g, i), tried.insert(perm).inserted else { continue }
      for region in TransposeRegion.all(g, perm) {
        guard let better = region.pruned(g) else {
          region.explain(g)
          continue
        }
        try better.apply(g)
      }
    }
    for i in g.nodes where g.isLive(i) {
      try join(g, i)
      try absorb(g, i)
    }
  }

  /// The permutation of a Transpose.
  static func order(_ g: GraphEditor, _ i: Int) -> [Int]? {
    guard let op: Transpose = g.op(i), let x = g.input(i, 0) else { return nil }
    guard let rank = op.perm?.count ?? g.dims(x)?.count else { return nil }
    return op.perm ?? Array((0..<rank).reversed())
  }

  /// A Transpose of a Transpose becomes one or none.
  private static func join(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let outer = order(g, i), let x = g.input(i, 0), let m = g.maker(x),
      let inner = order(g, m), let source = g.input(m, 0), inner.count == outer.count
    else { return }
    let perm = outer.map { inner[$0] }
    if perm == Array(perm.indices) {
      if !g.bypass(i, with: source, by: name) {
        try g.fuse(i, [m], into: Identity(), [source], by: name)
      }
    } else {
      try g.fuse(i, [m], into: Transpose(perm: perm), [source], by: name)
    }
  }

  /// A reduction that drops its axes takes the value before a Transpose, where the axes left stand
  /// in the same order.
  private static func absorb(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), let m = g.maker(x), let perm = order(g, m),
      let source = g.input(m, 0), let taken = reducedAxes(g, i, perm.count)
    else { return }
    guard isOrdered(perm, without: taken) else { return }
    let moved = taken.map { perm[$0] }
    var inputs = g.node(i).inputs
    inputs[0] = source
    switch g.node(i).op {
    case let op as any Reduce:
      if g.input(i, 1) != nil {
        inputs[1] = try g.addInts(moved)
        try g.fuse(i, into: op, inputs, by: name)
      } else {
        var axes = op.axes
        if axes.list != nil { axes.list = moved }
        try g.fuse(i, into: type(of: op).init(axes), inputs, by: name)
      }
    case let op as any ArgReduce:
      var options = op.options
      guard let first = moved.first else { return }
      options.axis = first
      try g.fuse(i, into: type(of: op).init(options), inputs, by: name)
    default: return
    }
  }

  /// The axes that a node folds and drops.
  static func reducedAxes(_ g: GraphEditor, _ i: Int, _ rank: Int) -> [Int]? {
    switch g.node(i).op {
    case let op as any Reduce where !op.axes.keepDims:
      if let given = g.input(i, 1) {
        return g.ints(given).flatMap { $0.isEmpty ? nil : axes($0, rank: rank) }
      }
      guard let list = op.axes.list, !list.isEmpty else {
        return op.axes.noopWithEmptyAxes ? nil : Array(0..<rank)
      }
      return axes(list, rank: rank)
    case let op as any ArgReduce where !op.options.keepDims:
      return axis(op.options.axis, rank: rank).map { [$0] }
    default: return nil
    }
  }

  static func isOrdered(_ perm: [Int], without taken: [Int]) -> Bool {
    let left = perm.indices.filter { !taken.contains($0) }.map { perm[$0] }
    return left == left.sorted()
  }
}

/// Nodes between Transposes of one kind, which could as well run before them.
struct TransposeRegion {
  let perm: [Int]
  /// The Transposes before the region.
  var seeds: [Int] = []
  /// In an order in which they can run.
  var nodes: [Int] = []

  /// More nodes than this are not pruned one by one.
  static let pruningLimit = 1000

  /// The regions of a graph, none connected with another.
  static func all(_ g: GraphEditor, _ perm: [Int]) -> [TransposeRegion] {
    var group: [ValueID: Int] = [:]
    var parent: [Int] = []
    func root(_ k: Int) -> Int {
      var k = k
      while parent[k] != k { k = parent[k] }
      return k
    }
    var members: [(node: Int, isSeed: Bool, group: Int)] = []
    for i in g.orderedNodes() {
      let own = parent.count
      if TransposeMotion.order(g, i) == perm, let y = g.output(i) {
        parent.append(own)
        group[y] = own
        members.append((i, true, own))
        continue
      }
      let turned = g.node(i).inputs.compactMap { $0.flatMap { group[$0] } }
      guard !turned.isEmpty, g.node(i).captured.isEmpty,
        TurnedNode(g, i, perm: perm, isTurned: { group[$0] != nil }) != nil
      else { continue }
      parent.append(own)
      for k in turned { parent[root(k)] = own }
      for case let y? in g.node(i).outputs { group[y] = own }
      members.append((i, false, own))
    }
    var regions: [Int: TransposeRegion] = [:]
    var order: [Int] = []
    for (node, isSeed, own) in members {
      let key = root(own)
      if regions[key] == nil {
        regions[key] = TransposeRegion(perm: perm)
        order.append(key)
      }
      if isSeed { regions[key]?.seeds.append(node) } else { regions[key]?.nodes.append(node) }
    }
    return order.compactMap { regions[$0] }.filter { !$0.nodes.isEmpty }
  }

  /// Transposes that there are less after the rewrite.
  private func gain(_ g: GraphEditor, _ inside: Set<Int>) -> Int {
    var gain = 0
    for s in seeds {
      guard let y = g.output(s) else { continue }
      if !g.isOutput(y), g.users(y).allSatisfy({ inside.contains($0) }) { gain += 1 }
    }
    for n in inside {
      for case let y? in g.node(n).outputs {
        var leaves = g.isOutput(y)
        for user in Set(g.users(y)) where !inside.contains(user) {
          if let outer = TransposeMotion.order(g, user), outer.count == perm.count {
            if outer.map({ perm[$0] }) == Array(perm.indices) { gain += 1 }
          } else if let taken = TransposeMotion.reducedAxes(g, user, perm.count),
            g.input(user, 0) == y, TransposeMotion.isOrdered(perm, without: taken)
          {
            continue
          } else {
            leaves = true
          }
        }
        if leaves { gain -= 1 }
      }
    }
    return gain
  }

  /// The region without nodes that are better left behind the Transposes; nil where nothing is won.
  func pruned(_ g: GraphEditor) -> TransposeRegion? {
    var inside = Set(nodes)
    var best = gain(g, inside)
    if nodes.count <= TransposeRegion.pruningLimit {
      for n in nodes.reversed() {
        let users = g.node(n).outputs.compactMap { $0 }.flatMap { g.users($0) }
        if users.contains(where: { inside.contains($0) }) { continue }
        inside.remove(n)
        let without = gain(g, inside)
        if without < best { inside.insert(n) } else { best = without }
      }
    }
    guard best > 0 else { return nil }
    var result = self
    result.nodes = nodes.filter { inside.contains($0) }
    return result
  }

  func explain(_ g: GraphEditor) {
    for s in seeds {
      g.miss(s, "\(TransposeMotion.name): moving it would leave as many Transposes as there are")
    }
  }

  func apply(_ g: GraphEditor) throws(EngineError) {
    var before: [ValueID: ValueID] = [:]
    for s in seeds { if let y = g.output(s), let x = g.input(s, 0) { before[y] = x } }
    let inside = Set(nodes)
    for i in nodes {
      guard let turned = TurnedNode(g, i, perm: perm, isTurned: { before[$0] != nil }) else {
        throw EngineError(.internalDefect, "a node between Transposes cannot move")
      }
      let inputs = try turned.inputs(g, i, perm: perm) { before[$0] }
      let outputs = g.node(i).outputs
      let results = try g.add(
        turned.op, inputs, outputs: outputs.count, at: i, name: g.node(i).name)
      g.note(i, "\(TransposeMotion.name): runs before Transpose \(perm)")
      for (old, new) in zip(outputs, results) { if let old { before[old] = new } }
    }
    for i in nodes {
      for case let y? in g.node(i).outputs {
        guard let x = before[y],
          g.isOutput(y) || g.users(y).contains(where: { !inside.contains($0) })
        else { continue }
        g.replace(y, with: try g.addOne(Transpose(perm: perm), [x], at: i))
      }
    }
    for i in nodes.reversed() { g.remove(i) }
  }
}
