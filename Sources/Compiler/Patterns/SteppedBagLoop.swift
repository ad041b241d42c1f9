import Graphs
import Operators
import Tensors

/// A Loop that adds up stretches of a matrix's rows, one an iteration, and whose results are joined,
/// as torch's newer exporter (`torch.onnx.export(dynamo=True)`, torch 2.13) writes
/// `torch.nn.EmbeddingBag` of sums: with an index that is carried and counted up, and a row of zeros
/// where a stretch is empty.
struct SteppedBagLoop {
  /// Bags, the list of places between which they lie, and the matrix.
  private(set) var count: Int
  private(set) var bounds: ValueID
  private(set) var rows: ValueID

  private let g: GraphEditor
  private let loop: LoopBody
  private var body: Graph { loop.graph }

  /// - `i`: the node that joins the results.
  init?(_ g: GraphEditor, _ i: Int) {
    guard let join = g.node(i).op as? ConcatFromSequence, join.axis == 0, !join.stacks,
      let joined = g.input(i, 0), g.hasOneUse(joined), let place = g.maker(joined),
      let loop = LoopBody(g, place), loop.node.inputs.count == 4, loop.node.outputs.count == 2,
      loop.graph.inputs.count == 4, loop.graph.outputs.count == 3,
      g.input(place, 0) == nil, g.input(place, 1).map({ g.scalar($0) == 1 }) ?? true,
      g.output(place, 1) == joined,
      g.output(place, 0).map({ g.users($0).isEmpty && !g.isOutput($0) }) ?? true,
      let first = g.input(place, 2), g.scalar(first) == 0,
      g.made(g.input(place, 3), by: SequenceEmpty.self) != nil
    else { return nil }
    (self.g, self.loop) = (g, loop)
    (count, bounds, rows) = (0, joined, joined)
    guard let (count, bounds, rows) = found() else { return nil }
    (self.count, self.bounds, self.rows) = (count, bounds, rows)
  }

  private func found() -> (Int, ValueID, ValueID)? {
    let index = body.outputs[1]
    guard let less = maker(body.outputs[0]), less.op is Less, let next = loop.input(less, 0),
      let end = loop.input(less, 1), place(index) == 1, place(next) == 1, let count = number(end),
      count > 0, let insert = maker(body.outputs[2]), insert.op is SequenceInsert,
      loop.input(insert, 2) == nil, loop.input(insert, 0) == body.inputs[3],
      let row = loop.input(insert, 1), let choice = maker(row), choice.op is If,
      choice.subgraphs.count == 2, let condition = loop.input(choice, 0),
      let equal = maker(condition), equal.op is Equal, let start = loop.input(equal, 0),
      let stop = loop.input(equal, 1), let low = bound(start), let high = bound(stop),
      low.place == 0, high.place == 1, low.list == high.list, let list = outer(low.list),
      g.dtype(list) == .int64, let dims = g.dims(list), dims.count == 1,
      let length = dims[0].known, length > count,
      let (rows, width) = stretch(choice, start, stop), isZeros(choice, width: width)
    else { return nil }
    return (count, list, rows)
  }

  /// The matrix of which one branch adds up the rows from `start` to `stop`, and its width.
  private func stretch(
    _ choice: Graph.Node, _ start: ValueID, _ stop: ValueID
  ) -> (ValueID, Int)? {
    // Equal places make the condition true.
    guard let op = choice.op as? If else { return nil }
    let k = op.thenIsFirst ? 1 : 0
    let branch = choice.subgraphs[k]
    // Captures of the first branch come first.
    let skipped = k == 0 ? 0 : choice.subgraphs[0].captures.count
    guard choice.captured.count >= skipped + branch.captures.count, branch.outputs.count == 1
    else { return nil }
    func inBody(_ v: ValueID?) -> ValueID? {
      guard let v, let at = branch.captures.firstIndex(of: v) else { return nil }
      return choice.captured[skipped + at]
    }
    func maker(_ v: ValueID?) -> Graph.Node? {
      v.flatMap { v in branch.nodes.first { $0.outputs.contains(v) } }
    }
    func isZero(_ v: ValueID?) -> Bool {
      guard let v else { return true }
      let own = branch.initializers.first { $0.id == v }?.tensor
      guard let t = branch.values[v.index].fact.constant ?? own ?? inBody(v).flatMap(constant)
      else { return false }
      return t.numbers == [0]
    }
    guard let sum = maker(branch.outputs[0]), let op = sum.op as? ReduceSum, op.axes.keepDims,
      op.axes.list ?? (sum.inputs.count > 1 && isZero(loop.input(sum, 1)) ? [0] : []) == [0],
      let slice = maker(sum.inputs.first ?? nil), slice.op is Slice, slice.inputs.count >= 3,
      slice.inputs.count < 4 || isZero(loop.input(slice, 3)), slice.inputs.count < 5,
      inBody(loop.input(slice, 1)) == start, inBody(loop.input(slice, 2)) == stop,
      let rows = inBody(loop.input(slice, 0)).flatMap(outer), g.dtype(rows) == .float32,
      let dims = g.dims(rows), dims.count == 2, dims[0].known != nil, let width = dims[1].known
    else { return nil }
    return (rows, width)
  }

  private func isZeros(_ choice: Graph.Node, width: Int) -> Bool {
    guard let op = choice.op as? If else { return false }
    let branch = choice.subgraphs[op.thenIsFirst ? 0 : 1]
    guard branch.outputs.count == 1 else { return false }
    let v = branch.outputs[0]
    let own = branch.initializers.first { $0.id == v }?.tensor
    guard let t = own ?? branch.values[v.index].fact.constant, t.dtype == .float32,
      t.shape == [1, width]
    else { return false }
    return t.elements(Float.self).allSatisfy { $0 == 0 }
  }

  /// A list and how far behind the index the one element lies that a Slice takes of it.
  private func bound(_ v: ValueID) -> (list: ValueID, place: Int)? {
    guard let slice = maker(v), slice.op is Slice, slice.inputs.count >= 3,
      let list = loop.input(slice, 0), let from = loop.input(slice, 1).flatMap(place),
      let to = loop.input(slice, 2).flatMap(place), to == from + 1,
      slice.inputs.count < 4 || loop.input(slice, 3).map({ number($0) == 0 }) ?? true,
      slice.inputs.count < 5
    else { return nil }
    return (list, from)
  }

  /// How much more than the carried index a value is.
  private func place(_ v: ValueID) -> Int? {
    let v = same(v)
    if v == body.inputs[2] { return 0 }
    guard let add = maker(v), add.op is Add, let a = loop.input(add, 0), let b = loop.input(add, 1)
    else {
      return nil
    }
    if same(a) == body.inputs[2] { return number(b) }
    return same(b) == body.inputs[2] ? number(a) : nil
  }

  /// What a value is the same number as, in another shape or type.
  private func same(_ v: ValueID) -> ValueID {
    var v = v
    for _ in 0..<8 {
      guard let node = maker(v), let x = node.inputs.first, let x else { return v }
      switch node.op {
      case is Identity, is Reshape, is Unsqueeze, is Squeeze: v = x
      case is CastLike, is Cast:
        guard body.values[v.index].fact.dtype == .int64 else { return v }
        v = x
      default: return v
      }
    }
    return v
  }

  private func number(_ v: ValueID) -> Int? {
    guard let t = constant(v) ?? constant(same(v)), t.dtype == .int64, t.count == 1 else {
      return nil
    }
    return Int(t.elements(Int64.self)[0])
  }

  private func maker(_ v: ValueID) -> Graph.Node? { loop.maker(v) }
  private func outer(_ v: ValueID) -> ValueID? { loop.outer(v) }
  private func constant(_ v: ValueID) -> Tensor? { loop.constant(v) }
}

extension SteppedBagLoop {
  /// One operator in its place: of the table itself where the matrix holds rows taken from one.
  func fused(at i: Int) throws(EngineError) -> ValueID {
    var (table, list) = (rows, rows)
    if let (n, op) = g.made(rows, by: Gather.self), op.axis == 0, let all = g.input(n, 0),
      let places = g.input(n, 1), g.dims(all)?.count == 2, g.dims(places)?.count == 1,
      g.dtype(places) == .int64
    {
      (table, list) = (all, places)
    } else {
      let n = g.dims(rows)?[0].known ?? 0
      list = try g.addInts(Array(0..<n))
    }
    func cut(_ first: Int) throws(EngineError) -> ValueID {
      let ends = try [first, first + count, 0].map { (n) throws(EngineError) in try g.addInts([n]) }
      return try g.addOne(Slice(), [bounds] + ends, at: i)
    }
    return try g.addOne(
      EmbeddingBag(.sum), [table, list, try cut(0), try cut(1)], at: i, name: g.node(i).name)
  }
}
