import Graphs
import Operators
import Tensors

enum LoopCollection: Pass {
  static let name = "collect-loop-results"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a value that a Loop carries only to add to it: joined with a part of settled sizes, "
      + "or a sequence given one more tensor, in each iteration",
    makes: "a scan output of the parts, joined behind the Loop",
    why: "nothing else reads what is carried; an iteration then need not copy what came before, "
      + "and has the same sizes as the one before it")

  /// A carried value that only grows.
  private struct Grown {
    /// Its place among the carried values.
    let place: Int
    /// The body's node that adds to it, and what that adds.
    let node: Int
    let part: ValueID
    let dtype: DType
    let dims: [Int]
    /// Where parts are joined; nil for a sequence.
    let axis: Int?
  }

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    guard g.mayUse(opset: 13, options) else { return }
    for i in g.nodes where g.isLive(i) && g.node(i).op is Loop {
      let node = g.node(i)
      let carried = node.inputs.count - 2
      guard node.subgraphs.count == 1, let body = node.subgraphs.first, carried > 0,
        body.inputs.count == carried + 2, body.outputs.count > carried,
        node.outputs.count < body.outputs.count
      else { continue }
      let grown = (0..<carried).compactMap { candidate(g, i, body, $0) }
      if grown.isEmpty { continue }
      try collect(g, i, body, grown)
      g.note(i, "\(name): \(grown.count) carried values are collected")
      g.remove(i)
    }
  }

  /// Carried value `k` of a Loop, where nothing but what adds to it reads it.
  private static func candidate(_ g: GraphEditor, _ i: Int, _ body: Graph, _ k: Int) -> Grown? {
    let (before, behind) = (body.inputs[k + 2], body.outputs[k + 1])
    guard uses(before, in: body) == 1, uses(behind, in: body) == 1,
      let j = body.nodes.firstIndex(where: { $0.outputs == [behind] })
    else { return nil }
    let adding = body.nodes[j]
    guard adding.inputs.count == 2, adding.inputs[0] == before, let part = adding.inputs[1],
      body.nodes.contains(where: { $0.outputs.contains(part) }),
      let dtype = body.values[part.index].fact.dtype, dtype != .string,
      let sizes = body.values[part.index].fact.dims
    else { return nil }
    let dims = sizes.compactMap(\.known)
    guard dims.count == sizes.count, dims.allSatisfy({ $0 > 0 }) else { return nil }
    func made(_ axis: Int?) -> Grown {
      Grown(place: k, node: j, part: part, dtype: dtype, dims: dims, axis: axis)
    }
    if let join = adding.op as? Concat {
      guard g.input(i, k + 2) != nil, let axis = place(join.axis, dims.count) else { return nil }
      return made(axis)
    }
    guard adding.op is SequenceInsert, g.made(g.input(i, k + 2), by: SequenceEmpty.self) != nil
    else { return nil }
    if let sequence = g.output(i, k) {
      let joins = g.users(sequence).allSatisfy { u in
        guard let op = g.node(u).op as? ConcatFromSequence, g.output(u) != nil else { return false }
        return place(op.axis, dims.count + (op.stacks ? 1 : 0)) != nil
      }
      guard joins, !g.isOutput(sequence) else { return nil }
    }
    return made(nil)
  }

  /// An axis brought into `0..<rank`.
  private static func place(_ axis: Int, _ rank: Int) -> Int? {
    let at = axis < 0 ? axis + rank : axis
    return at >= 0 && at < rank ? at : nil
  }

  private static func uses(_ v: ValueID, in body: Graph) -> Int {
    body.nodes.reduce(body.outputs.count { $0 == v }) { sum, node in
      sum + node.inputs.count { $0 == v } + node.captured.count { $0 == v }
    }
  }

  /// Puts a Loop beside node `i` that collects the parts, and what joins them.
  private static func collect(
    _ g: GraphEditor, _ i: Int, _ body: Graph, _ grown: [Grown]
  ) throws(EngineError) {
    let old = g.node(i)
    let places = Set(grown.map(\.place))
    let adding = Set(grown.map(\.node))
    func kept<T>(_ list: [T], from first: Int) -> [T] {
      list.indices.filter { !places.contains($0 - first) }.map { list[$0] }
    }
    var inner = body
    inner.inputs = kept(body.inputs, from: 2)
    inner.outputs = kept(body.outputs, from: 1) + grown.map(\.part)
    inner.nodes = body.nodes.indices.filter { !adding.contains($0) }.map { body.nodes[$0] }
    inner.dropUnusedValues()

    var node = old
    node.updateSubgraphs { $0 = inner }
    node.op = Loop(body: inner)
    node.inputs = kept(old.inputs, from: 2)
    // Outputs that nobody takes may be missing at the end.
    let missing = body.outputs.count - 1 - old.outputs.count
    node.outputs = kept(old.outputs + [ValueID?](repeating: nil, count: missing), from: 0)
    var scans: [ValueID] = []
    for part in grown {
      let fact = Fact(part.dtype, [g.unknownSize()] + part.dims.map { Dim($0) })
      scans.append(g.addValue("", fact))
    }
    node.outputs += scans
    g.append(node, at: i)

    for (part, scan) in zip(grown, scans) {
      guard part.place < old.outputs.count, let result = old.outputs[part.place] else { continue }
      if let axis = part.axis {
        let first = old.inputs[part.place + 2]
        let all = try joined(g, i, scan, part.dims, at: axis)
        let isEmpty = g.constant(first)?.count == 0
        let value = isEmpty ? all : try g.addOne(Concat(axis: axis), [first, all], at: i)
        g.replace(result, with: value)
        continue
      }
      for u in g.users(result) {
        guard let op = g.node(u).op as? ConcatFromSequence, let y = g.output(u),
          let axis = place(op.axis, part.dims.count + (op.stacks ? 1 : 0))
        else { continue }
        let value =
          op.stacks
          ? try moved(g, u, scan, part.dims.count, to: axis)
          : try joined(g, u, scan, part.dims, at: axis)
        g.replace(y, with: value)
        g.note(u, "\(name): went into the Loop")
        g.remove(u)
      }
    }
  }

  /// Parts of `dims`, stacked along a first axis, one behind the other along `axis`.
  private static func joined(
    _ g: GraphEditor, _ i: Int, _ scan: ValueID, _ dims: [Int], at axis: Int
  ) throws(EngineError) -> ValueID {
    var shape = dims
    shape[axis] = -1
    let turned = try moved(g, i, scan, dims.count, to: axis)
    return try g.addOne(Reshape(), [turned, g.addInts(shape)], at: i)
  }

  /// The first axis, before `rank` others, as axis `place`.
  private static func moved(
    _ g: GraphEditor, _ i: Int, _ scan: ValueID, _ rank: Int, to place: Int
  ) throws(EngineError) -> ValueID {
    if place == 0 { return scan }
    let order = Array(1...place) + [0] + Array(place + 1..<rank + 1)
    return try g.addOne(Transpose(perm: order), [scan], at: i)
  }
}
