import Graphs
import Operators
import Tensors

enum QuantizedForms: Pass {
  static let name = "write-out-quantized"
  static let level = OptimizationLevel.all
  static let about = PassText(
    looksFor: "com.microsoft's QLinear operators (sigmoid, leaky ReLU, sums, products, joins, mean "
      + "poolings), QLinearMatMul and QGemm, with constant scales; DynamicQuantizeLSTM with constant "
      + "weights",
    makes: "the operator on numbers between DequantizeLinear and QuantizeLinear",
    why: "that is what they stand for, and passes that keep networks in integers know one form of "
      + "each; a result moves by one step at most, where its number lies next to a tie")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      switch g.node(i).op {
      case is QLinearSigmoid: try unary(g, i, Sigmoid(), result: 3)
      case let op as QLinearLeakyRelu: try unary(g, i, LeakyRelu(alpha: op.alpha), result: 3)
      case let op as QLinearAveragePool:
        if !op.channelsLast { try unary(g, i, op.pool, result: 3) }
      case let op as QLinearGlobalAveragePool:
        if !op.channelsLast { try unary(g, i, GlobalAveragePool(), result: 3) }
      case is QLinearAdd: try binary(g, i, Add())
      case is QLinearMul: try binary(g, i, Mul())
      case is QLinearMatMul: try binary(g, i, MatMul(), columns: true)
      case let op as QLinearConcat: try join(g, i, op)
      case let op as QGemm: try product(g, i, op)
      case let op as DynamicQuantizeLSTM: try recurrent(g, i, op)
      default: break
      }
    }
  }

  /// The numbers that input `i` stands for; its scale and zero point follow it.
  private static func numbers(
    _ g: GraphEditor, _ node: Int, _ i: Int, axis: Int = 1, mayDiffer: Bool = false
  ) throws(EngineError) -> ValueID? {
    guard let x = g.input(node, i), let s = g.constant(g.input(node, i + 1)),
      s.dtype == .float32, s.count == 1 || mayDiffer && s.shape.rank == 1
    else { return nil }
    let scale = s.count == 1 ? try scalar(g, g.input(node, i + 1)) : g.input(node, i + 1)
    var inputs = [x, scale]
    if g.input(node, i + 2) != nil {
      guard let z = g.constant(g.input(node, i + 2)), z.count == s.count else { return nil }
      inputs.append(z.count == 1 ? try scalar(g, g.input(node, i + 2)) : g.input(node, i + 2))
    }
    return try g.addOne(DequantizeLinear(scales: .init(axis: axis)), inputs, at: node)
  }

  /// A constant of one element, without axes.
  private static func scalar(_ g: GraphEditor, _ v: ValueID?) throws(EngineError) -> ValueID? {
    guard let v, let t = g.constant(v), t.shape.rank > 0 else { return v }
    return g.addConstant(try t.reshaped([]))
  }

  /// Whether inputs `first` and the next are one constant scale and zero point of the result.
  private static func hasScale(_ g: GraphEditor, _ i: Int, _ first: Int) -> Bool {
    guard let s = g.constant(g.input(i, first)), s.count == 1, s.dtype == .float32 else {
      return false
    }
    if g.input(i, first + 1) == nil { return true }
    return g.constant(g.input(i, first + 1))?.count == 1
  }

  /// Rounds `made` to the result's scale, inputs `first` and the next of the node it replaces.
  private static func finish(
    _ g: GraphEditor, _ i: Int, _ made: ValueID, _ first: Int
  ) throws(EngineError) {
    var zero = try scalar(g, g.input(i, first + 1))
    if zero == nil, let y = g.output(i), g.dtype(y) == .int8 {
      zero = g.addConstant(try Tensor(scalar: 0 as Int8))
    }
    var inputs: [ValueID?] = [made, try scalar(g, g.input(i, first))]
    if let zero { inputs.append(zero) }
    try g.fuse(i, [], into: QuantizeLinear(), inputs, by: name)
  }

  private static func unary(
    _ g: GraphEditor, _ i: Int, _ op: any Operator, result: Int
  ) throws(EngineError) {
    guard hasScale(g, i, result), let x = try numbers(g, i, 0) else { return }
    try finish(g, i, try g.addOne(op, [x], at: i, name: g.node(i).name), result)
  }

  private static func binary(
    _ g: GraphEditor, _ i: Int, _ op: any Operator, columns: Bool = false
  ) throws(EngineError) {
    // Scales of columns belong to a matrix, not to several.
    let isMatrix = columns && g.input(i, 3).flatMap { g.dims($0) }?.count == 2
    guard hasScale(g, i, 6), let a = try numbers(g, i, 0),
      let b = try numbers(g, i, 3, axis: 1, mayDiffer: isMatrix)
    else { return }
    try finish(g, i, try g.addOne(op, [a, b], at: i, name: g.node(i).name), 6)
  }

  private static func join(_ g: GraphEditor, _ i: Int, _ op: QLinearConcat) throws(EngineError) {
    guard hasScale(g, i, 0) else { return }
    var parts: [ValueID?] = []
    for first in stride(from: 2, to: g.node(i).inputs.count, by: 3) {
      guard let x = try numbers(g, i, first) else { return }
      parts.append(x)
    }
    try finish(
      g, i, try g.addOne(Concat(axis: op.axis), parts, at: i, name: g.node(i).name), 0)
  }

  private static func product(_ g: GraphEditor, _ i: Int, _ op: QGemm) throws(EngineError) {
    guard op.alpha == 1, !op.transA, g.input(i, 7) != nil, hasScale(g, i, 7),
      let steps = g.constant(g.input(i, 1)), let columns = g.constant(g.input(i, 4)),
      columns.dtype == .float32
    else { return }
    var inputs: [ValueID?] = []
    if let v = g.input(i, 6) {
      guard let c = g.constant(v), c.dtype == .int32, c.shape.rank == 1,
        columns.count == 1 || columns.count == c.count
      else { return }
      let (step, each) = (try steps.values(as: Float.self), try columns.values(as: Float.self))
      guard step.count == 1 else { return }
      let whole = try c.values(as: Int32.self)
      inputs.append(
        g.addConstant(
          try Tensor(
            whole.indices.map { Float(whole[$0]) * (step[0] * each[each.count == 1 ? 0 : $0]) })))
    }
    guard let a = try numbers(g, i, 0),
      let b = try numbers(g, i, 3, axis: op.transB ? 0 : 1, mayDiffer: true)
    else { return }
    let made = try g.addOne(
      Gemm(transB: op.transB), [a, b] + inputs, at: i, name: g.node(i).name)
    try finish(g, i, made, 7)
  }

  private static func recurrent(
    _ g: GraphEditor, _ i: Int, _ op: DynamicQuantizeLSTM
  ) throws(EngineError) {
    guard let x = g.input(i, 0), let w = try weights(g, i, 1, scale: 8),
      let r = try weights(g, i, 2, scale: 10)
    else { return }
    let codes = try g.add(DynamicQuantizeLinear(), [x], outputs: 3, at: i)
    let rounded = try g.addOne(DequantizeLinear(), codes, at: i)
    let node = g.node(i)
    let made = try g.add(
      op.lstm, [rounded, w, r] + (3...7).map { g.input(i, $0) }, outputs: node.outputs.count,
      at: i, name: node.name)
    for (old, new) in zip(node.outputs, made) { if let old { g.replace(old, with: new) } }
    g.remove(i)
  }

  /// Constant codes `[D, I, 4 * H]` as numbers `[D, 4 * H, I]`; nil where a direction has more than
  /// one scale.
  private static func weights(
    _ g: GraphEditor, _ node: Int, _ i: Int, scale: Int
  ) throws(EngineError) -> ValueID? {
    guard let codes = g.input(node, i), let t = g.constant(codes), t.shape.rank == 3,
      let s = g.constant(g.input(node, scale)), let z = g.constant(g.input(node, scale + 1)),
      s.count == t.shape[0], z.count == s.count
    else { return nil }
    let turned = try g.addOne(Transpose(perm: [0, 2, 1]), [codes], at: node)
    return try g.addOne(
      DequantizeLinear(scales: .init(axis: 0)),
      [turned, g.addConstant(try s.reshaped([s.count])), g.addConstant(try z.reshaped([z.count]))],
      at: node)
  }
}
