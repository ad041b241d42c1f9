import Graphs
import Operators
import Tensors

enum QuantizedEpilogue: Pass {
  static let name = "fuse-quantized-epilogue"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "what follows a QuantizedLinear that nothing else uses: a bias, a function, a sum "
      + "with a value of its shape or with codes of one, codes of the result, and codes that are "
      + "read again at once",
    makes: "a QuantizedLinear that does it while the result is in cache",
    why: "the same arithmetic on the same numbers, a little earlier; a quotient is taken as a "
      + "product with the reciprocal, which may change codes by one")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      switch g.node(i).op {
      case is Add: try sum(g, i)
      case is QuantizeLinear: try codes(g, i)
      case is DequantizeLinear: try rounding(g, i)
      default: try function(g, i)
      }
    }
  }

  /// The product that makes `v` and whose only use it is.
  private static func product(_ g: GraphEditor, _ i: Int, _ v: ValueID?) -> ByteLinearNode? {
    guard let v, let linear = ByteLinearNode(g, g.maker(v)) else { return nil }
    guard g.hasOneUse(v) else {
      g.miss(i, "\(name): the product has other uses")
      return nil
    }
    return linear
  }

  private static func replace(
    _ g: GraphEditor, _ i: Int, _ linear: ByteLinearNode, _ activation: FusedActivation? = nil
  ) throws(EngineError) {
    try g.fuse(
      i, [linear.node],
      into: QuantizedLinear(activation ?? linear.op.activation, transB: linear.op.transB),
      linear.trimmed, by: name)
  }

  private static func sum(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let y = g.output(i), let dims = g.dims(y) else { return }
    // Of two products the later one: the other's result is there by then.
    let pairs = g.pairs(y, Add.self).filter { $0.0 != $0.1 }.sorted {
      (g.maker($0.0) ?? -1) > (g.maker($1.0) ?? -1)
    }
    for (x, z) in pairs {
      guard var linear = product(g, i, x), linear.isBeforeResidual, g.dims(x) == dims else {
        continue
      }
      if let bias = try vector(g, z, dims), linear.isPlain {
        linear[.bias] = bias
        return try replace(g, i, linear)
      }
      guard g.dims(z) == dims else { continue }
      if let codes = ByteCodes(g, z), codes.isUniform(g) {
        linear[.residual] = codes.codes
        linear[.residualScale] = codes.scale
        linear[.residualZero] = codes.zero
      } else {
        linear[.residual] = z
      }
      return try replace(g, i, linear)
    }
  }

  /// A value of so many elements along its last axis alone, as a vector.
  private static func vector(
    _ g: GraphEditor, _ v: ValueID, _ y: [Dim]
  ) throws(EngineError) -> ValueID? {
    guard let dims = g.dims(v), dims.count <= y.count, dims.last == y.last,
      dims.dropLast().allSatisfy({ $0 == 1 }), y.last?.known != nil
    else { return nil }
    if dims.count == 1 { return v }
    guard let t = g.constant(v) else { return nil }
    return g.addConstant(try t.reshaped(Shape([t.count])))
  }

  private static func function(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), g.maker(x) != nil, let activation = FusedActivation(g, i),
      !activation.name.isEmpty, activation.name != "Clip", let linear = product(g, i, x),
      linear.isBeforeResidual, linear.op.activation.name.isEmpty
    else { return }
    try replace(g, i, linear, activation)
  }

  private static func codes(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let rounding = ByteRounding(g, i), var linear = product(g, i, g.input(i, 0)),
      linear.isFloat
    else { return }
    linear[.yScale] = rounding.scale
    linear[.yZero] = try rounding.zeroPoint(g)
    try replace(g, i, linear)
  }

  /// Codes of a bare product that one DequantizeLinear reads.
  private static func rounding(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let y = g.output(i), let codes = ByteCodes(g, y),
      var linear = product(g, i, codes.codes), !linear.isFloat, linear[.bias] == nil,
      linear[.residual] == nil, linear[.roundScale] == nil, linear.op.activation.name.isEmpty,
      g.isSame(codes.scale, linear[.yScale]), let zero = codes.zero,
      g.isSame(zero, linear[.yZero])
    else { return }
    linear[.roundScale] = linear[.yScale]
    linear[.roundZero] = linear[.yZero]
    linear[.yScale] = nil
    linear[.yZero] = nil
    try replace(g, i, linear)
  }
}
