import Graphs
import Operators
import Tensors

/// A Loop that takes rows of a table together, one bag an iteration, as torch.onnx writes
/// `torch.nn.EmbeddingBag`: `Reduce(Gather(table, Slice(indices, starts[i], ends[i])))`, where each row
/// may be multiplied by its factor first.
struct BagLoop {
  let op: EmbeddingBag
  /// Table, indices, starts, ends and, where there are any, factors.
  private(set) var inputs: [ValueID?]

  private let g: GraphEditor
  private let loop: LoopBody
  private var body: Graph { loop.graph }

  init?(_ g: GraphEditor, _ i: Int) {
    guard let loop = LoopBody(g, i), loop.node.inputs.count == 2, loop.node.outputs.count == 1,
      loop.graph.inputs.count == 2, loop.graph.outputs.count == 2, let trips = g.input(i, 0),
      g.input(i, 1).map({ g.scalar($0) == 1 }) ?? true
    else { return nil }
    (self.g, self.loop) = (g, loop)
    inputs = []
    guard let last = loop.maker(loop.graph.outputs[1]), let given = last.inputs.first,
      let rows = given
    else { return nil }
    let axes: ReduceAxes
    switch last.op {
    case let reduce as ReduceSum: (op, axes) = (EmbeddingBag(.sum), reduce.axes)
    case let reduce as ReduceMean: (op, axes) = (EmbeddingBag(.mean), reduce.axes)
    case let reduce as ReduceMax: (op, axes) = (EmbeddingBag(.max), reduce.axes)
    default: return nil
    }
    guard !axes.keepDims, axes.list ?? ints(last, 1) == [0], alwaysGoesOn(body.outputs[0]),
      let found = operands(rows), let count = g.dims(found.ends)?.first,
      let number = g.fact(trips).elements, number == [count]
    else { return nil }
    inputs = [found.table, found.list, found.starts, found.ends]
    if let factors = found.factors { inputs.append(factors) }
  }

  private typealias Operands = (
    table: ValueID, list: ValueID, starts: ValueID, ends: ValueID, factors: ValueID?
  )

  private func operands(_ rows: ValueID) -> Operands? {
    var taken = rows
    var scaled: (list: ValueID, start: ValueID, end: ValueID)?
    if let product = maker(rows), product.op is Mul, product.inputs.count == 2,
      let a = product.inputs[0], let b = product.inputs[1], let wide = maker(b),
      let unsqueeze = wide.op as? Unsqueeze, (unsqueeze.axes ?? ints(wide, 1)) == [1],
      let column = wide.inputs[0], let cut = stretch(column)
    {
      (taken, scaled) = (a, cut)
    }
    guard let gather = maker(taken), let op = gather.op as? Gather, op.axis == 0,
      gather.inputs.count == 2, let table = outer(gather.inputs[0]), isTable(table),
      let places = gather.inputs[1], let cut = stretch(places), let list = outer(cut.list),
      g.dtype(list) == .int64, g.dims(list)?.count == 1, let starts = bound(cut.start),
      let ends = bound(cut.end), let m = g.dims(ends)?[0], let n = g.dims(starts)?[0]
    else { return nil }
    let spare = n - m
    guard spare.known.map({ $0 >= 0 }) ?? false else { return nil }
    guard let scaled else { return (table, list, starts, ends, nil) }
    guard scaled.start == cut.start, scaled.end == cut.end, let factors = outer(scaled.list),
      g.dtype(factors) == .float32, let dims = g.dims(factors), dims == g.dims(list)
    else { return nil }
    return (table, list, starts, ends, factors)
  }

  private func isTable(_ v: ValueID) -> Bool { g.dtype(v) == .float32 && g.dims(v)?.count == 2 }

  /// A list, and from where to where a Slice of step 1 along its only axis takes it.
  private func stretch(_ v: ValueID) -> (list: ValueID, start: ValueID, end: ValueID)? {
    guard let slice = maker(v), slice.op is Slice, slice.inputs.count >= 3,
      let list = slice.inputs[0], let start = slice.inputs[1], let end = slice.inputs[2],
      slice.inputs.count < 4 || slice.inputs[3] == nil || ints(slice, 3) == [0],
      slice.inputs.count < 5 || slice.inputs[4] == nil || ints(slice, 4) == [1]
    else { return nil }
    return (list, start, end)
  }

  /// The list, from outside, of which an iteration takes the number it counts.
  private func bound(_ v: ValueID) -> ValueID? {
    guard let wide = maker(v), let op = wide.op as? Unsqueeze, (op.axes ?? ints(wide, 1)) == [0],
      let one = wide.inputs[0], let gather = maker(one), let take = gather.op as? Gather,
      take.axis == 0, gather.inputs.count == 2, gather.inputs[1] == body.inputs[0],
      let list = outer(gather.inputs[0]), g.dtype(list) == .int64, g.dims(list)?.count == 1
    else { return nil }
    return list
  }

  /// Whether the condition is true whatever happens.
  private func alwaysGoesOn(_ v: ValueID) -> Bool {
    var v = v
    for _ in 0..<4 {
      if v == body.inputs[1] { return true }
      if let t = constant(v) { return t.count == 1 && t.numbers?.first == 1 }
      guard let maker = maker(v), maker.op is Identity || maker.op is Cast,
        let source = maker.inputs.first, let source
      else { return false }
      v = source
    }
    return false
  }

  private func maker(_ v: ValueID) -> Graph.Node? { loop.maker(v) }
  private func outer(_ v: ValueID?) -> ValueID? { loop.outer(v) }
  private func constant(_ v: ValueID) -> Tensor? { loop.constant(v) }

  private func ints(_ node: Graph.Node, _ input: Int) -> [Int]? {
    guard node.inputs.count > input, let v = node.inputs[input] else { return nil }
    return constant(v)?.numbers.map { $0.map { Int($0) } }
  }
}
