import Graphs
import Operators
import Tensors

enum UniformForms: Pass {
  static let name = "unify-forms"
  static let level = OptimizationLevel.all
  static let about = PassText(
    looksFor: "operators in the form of old opsets: axes, sizes, bounds and pads as attributes, "
      + "sums that broadcast from a named axis on, a Softmax over all axes from the last one on, "
      + "a Sum of two",
    makes: "the form of the newest opset",
    why: "the numbers are the same and stand elsewhere; later passes know one form of each")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let x = g.input(i, 0) else { continue }
      switch g.node(i).op {
      case let op as Squeeze:
        if let axes = op.axes { try renew(g, i, Squeeze(), [x, g.addInts(axes)]) }
      case let op as Unsqueeze:
        if let axes = op.axes { try renew(g, i, Unsqueeze(), [x, g.addInts(axes)]) }
      case let op as Reshape:
        if let fixed = op.fixed {
          try renew(g, i, Reshape(allowZero: op.allowZero), [x, g.addInts(fixed)])
        }
      case let op as any Reduce: try reduce(g, i, x, op)
      case let op as Slice: try slice(g, i, x, op)
      case let op as Pad: try pad(g, i, x, op)
      case let op as TopK: try topK(g, i, x, op)
      case let op as Split: try split(g, i, x, op)
      case let op as Clip: try clip(g, i, x, op)
      case let op as Softmax: try softmax(g, i, x, op)
      case is Sum:
        if g.node(i).inputs.count == 2 { try renew(g, i, Add(), g.node(i).inputs) }
      case let op as Add: try pair(g, i, x, op.form, Add())
      case let op as Sub: try pair(g, i, x, op.form, Sub())
      case let op as Mul: try pair(g, i, x, op.form, Mul())
      case let op as Div: try pair(g, i, x, op.form, Div())
      default: break
      }
    }
  }

  private static func renew(
    _ g: GraphEditor, _ i: Int, _ op: any Operator, _ inputs: [ValueID?]
  ) throws(EngineError) {
    try g.fuse(i, into: op, inputs, by: name)
  }

  private static func reduce(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: any Reduce
  ) throws(EngineError) {
    guard let list = op.axes.list, g.input(i, 1) == nil else { return }
    var axes = op.axes
    axes.list = nil
    try renew(g, i, type(of: op).init(axes), list.isEmpty ? [x] : [x, g.addInts(list)])
  }

  private static func slice(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: Slice
  ) throws(EngineError) {
    guard let starts = op.starts, let ends = op.ends else { return }
    let axes = op.axes ?? Array(starts.indices)
    try renew(g, i, Slice(), [x, g.addInts(starts), g.addInts(ends), g.addInts(axes)])
  }

  private static func pad(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: Pad
  ) throws(EngineError) {
    guard let pads = op.pads else { return }
    var inputs: [ValueID?] = [x, try g.addInts(pads)]
    if op.value != 0 {
      guard g.dtype(x) == .float32 else { return }
      inputs.append(g.addConstant(try Tensor(scalar: op.value)))
    }
    try renew(g, i, Pad(mode: op.mode), inputs)
  }

  private static func topK(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: TopK
  ) throws(EngineError) {
    guard let k = op.k else { return }
    let new = TopK(axis: op.axis, isLargest: op.isLargest, isSorted: op.isSorted)
    try renewAll(g, i, new, [x, g.addInts([k])])
  }

  private static func split(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: Split
  ) throws(EngineError) {
    guard let sizes = op.sizes else { return }
    try renewAll(g, i, Split(axis: op.axis), [x, g.addInts(sizes)])
  }

  /// The same for an operator with several results.
  private static func renewAll(
    _ g: GraphEditor, _ i: Int, _ op: any Operator, _ inputs: [ValueID?]
  ) throws(EngineError) {
    let outputs = g.node(i).outputs
    let results = try g.add(op, inputs, outputs: outputs.count, at: i, name: g.node(i).name)
    g.note(i, "\(name): in the newest form")
    for (old, new) in zip(outputs, results) { if let old { g.replace(old, with: new) } }
    g.remove(i)
  }

  private static func clip(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: Clip
  ) throws(EngineError) {
    guard op.lower != nil || op.upper != nil, g.dtype(x) == .float32 else { return }
    var inputs: [ValueID?] = [x, nil, nil]
    if let low = op.lower { inputs[1] = g.addConstant(try Tensor(scalar: low)) }
    if let high = op.upper { inputs[2] = g.addConstant(try Tensor(scalar: high)) }
    if inputs[2] == nil { inputs.removeLast() }
    try renew(g, i, Clip(), inputs)
  }

  private static func softmax(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ op: Softmax
  ) throws(EngineError) {
    guard op.axis.flattens, let rank = g.dims(x)?.count, axis(op.axis.axis, rank: rank) == rank - 1
    else { return }
    try renew(g, i, Softmax(SoftmaxAxis(-1)), [x])
  }

  /// A sum or the like that broadcasts by the rules before opset 7.
  private static func pair(
    _ g: GraphEditor, _ i: Int, _ x: ValueID, _ form: BroadcastForm, _ op: any Operator
  ) throws(EngineError) {
    guard form != .both, let y = g.input(i, 1), let a = g.dims(x), let b = g.dims(y) else { return }
    if form == .neither || form == .second(axis: nil) {
      // What a file with wrong sizes was refused for stays refused.
      guard form != .neither || a == b, b.count <= a.count else { return }
      try renew(g, i, op, [x, y])
      return
    }
    guard case .second(let given?) = form, let first = axis(given, rank: a.count),
      first + b.count <= a.count
    else { return }
    let behind = a.count - first - b.count
    let isOne = b.allSatisfy { $0.known == 1 }
    guard b.allSatisfy({ $0.known != nil }) else { return }
    if behind == 0 || isOne && b.count <= a.count {
      try renew(g, i, op, [x, y])
      return
    }
    let axes = (0..<behind).map { b.count + $0 }
    let wide = try g.addOne(Unsqueeze(), [y, g.addInts(axes)], at: i)
    try renew(g, i, op, [x, wide])
  }
}
