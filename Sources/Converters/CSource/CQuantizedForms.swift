import Graphs
import Operators
import Tensors

/// Operators between a DequantizeLinear and a QuantizeLinear as operators on integers: convolutions
/// and matrix products as QLinearConv and QLinearMatMul, movements and MaxPool as they are.
///
/// It must run before constants are folded: folding makes floats of the integer weights.
enum CQuantizedForms {
  static func run(_ g: GraphEditor) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard g.op(i, as: QuantizeLinear.self) != nil, let result = Quantized(g, quantize: i) else {
        continue
      }
      try rewrite(g, i, result)
    }
  }

  /// A value in integers: the value, its scale and zero point.
  private struct Quantized {
    let value: ValueID?
    let scale: ValueID
    let zero: ValueID?
    let scales: [Double]
    let zeros: [Double]
    let axis: Int

    init?(_ g: GraphEditor, _ value: ValueID?, _ node: Int, axis: Int) {
      guard let scale = g.input(node, 1), let tensor = g.constant(scale), tensor.dtype == .float32
      else { return nil }
      let zero = g.input(node, 2)
      self.value = value
      self.scale = scale
      self.zero = zero
      scales = (0..<tensor.count).compactMap { tensor.asDouble($0) }
      if let zero {
        guard let list = g.constant(zero) else { return nil }
        zeros = (0..<list.count).compactMap { list.asDouble($0) }
      } else {
        zeros = [0]
      }
      self.axis = axis
    }

    /// What a QuantizeLinear makes.
    init?(_ g: GraphEditor, quantize node: Int) {
      guard let op: QuantizeLinear = g.op(node), op.scales.block == 0, g.input(node, 2) != nil
      else {
        return nil
      }
      self.init(g, g.output(node), node, axis: op.scales.axis)
      guard scales.count == 1 else { return nil }
    }

    /// What a DequantizeLinear that makes `value` was given.
    init?(_ g: GraphEditor, dequantized value: ValueID?) {
      guard let made = g.made(value, by: DequantizeLinear.self), made.op.scales.block == 0 else {
        return nil
      }
      self.init(g, g.input(made.node, 0), made.node, axis: made.op.scales.axis)
    }

    func isLike(_ other: Quantized) -> Bool {
      scales == other.scales && zeros == other.zeros
    }
  }

  private static func rewrite(
    _ g: GraphEditor, _ i: Int, _ y: Quantized
  ) throws(EngineError) {
    guard var inner = g.input(i, 0), g.hasOneUse(inner), var maker = g.maker(inner) else { return }
    // A function whose bounds the range of the integers keeps anyway.
    if isImplied(g, maker, y, i), let before = g.input(maker, 0), g.hasOneUse(before),
      let next = g.maker(before)
    {
      (inner, maker) = (before, next)
    }
    switch g.node(maker).op {
    case let op as Conv: try conv(g, i, maker, op, y)
    case let op as Gemm: try gemm(g, i, maker, op, y)
    case is MatMul: try matMul(g, i, maker, y)
    case is MaxPool, is Reshape, is Transpose, is Flatten, is Squeeze, is Unsqueeze, is Slice:
      guard let x = Quantized(g, dequantized: g.input(maker, 0)), x.isLike(y), let v = x.value,
        let op = g.node(maker).op, g.node(maker).outputs.count == 1,
        g.dtype(v) == y.value.flatMap({ g.dtype($0) })
      else { return }
      let inputs = [v] + g.node(maker).inputs.dropFirst()
      try g.fuse(i, into: op, Array(inputs), by: "quantized")
    default: break
    }
  }

  /// Whether a Relu or Clip does nothing that saturation does not do.
  private static func isImplied(
    _ g: GraphEditor, _ node: Int, _ y: Quantized, _ quantize: Int
  ) -> Bool {
    guard let dtype = g.output(quantize).flatMap({ g.dtype($0) }),
      dtype == .int8 || dtype == .uint8,
      let scale = y.scales.first, let zero = y.zeros.first
    else { return false }
    let (least, most) = dtype == .int8 ? (-128.0, 127.0) : (0.0, 255.0)
    switch g.node(node).op {
    case is Relu: return zero == least
    case let op as Clip:
      let low = op.lower.map { Double($0) } ?? g.scalar(g.input(node, 1))
      let high = op.upper.map { Double($0) } ?? g.scalar(g.input(node, 2))
      let isLow = low.map { ($0 / scale).rounded(.toNearestOrEven) + zero <= least } ?? true
      let isHigh = high.map { ($0 / scale).rounded(.toNearestOrEven) + zero >= most } ?? true
      return isLow && isHigh
    default: return false
    }
  }

  /// The bias in units of the sums: as it is where it was quantised so, else rounded to them.
  private static func bias(
    _ g: GraphEditor, _ value: ValueID?, _ x: Quantized, _ w: Quantized, count: Int
  ) throws(EngineError) -> (isRight: Bool, value: ValueID?) {
    guard let value else { return (true, nil) }
    var numbers: [Double] = []
    if let made = Quantized(g, dequantized: value), let id = made.value, let tensor = g.constant(id)
    {
      for k in 0..<tensor.count {
        let scale = made.scales.count == 1 ? made.scales[0] : made.scales[k]
        let zero = made.zeros.count == 1 ? made.zeros[0] : made.zeros[k]
        numbers.append(((tensor.asDouble(k) ?? 0) - zero) * scale)
      }
    } else if let tensor = g.constant(value) {
      numbers = (0..<tensor.count).compactMap { tensor.asDouble($0) }
    } else {
      return (false, nil)
    }
    guard numbers.count == count || numbers.count == 1, let sx = x.scales.first else {
      return (false, nil)
    }
    var units: [Int32] = []
    for k in 0..<count {
      let scale = sx * (w.scales.count == 1 ? w.scales[0] : w.scales[k])
      let number = numbers.count == 1 ? numbers[0] : numbers[k]
      guard let unit = Int32(exactly: (number / scale).rounded(.toNearestOrEven)) else {
        return (false, nil)
      }
      units.append(unit)
    }
    return (true, g.addConstant(try Tensor(units)))
  }

  private static func conv(
    _ g: GraphEditor, _ i: Int, _ node: Int, _ op: Conv, _ y: Quantized
  ) throws(EngineError) {
    guard let x = Quantized(g, dequantized: g.input(node, 0)), x.scales.count == 1,
      let w = Quantized(g, dequantized: g.input(node, 1)), let weights = w.value,
      let shape = g.constant(weights)?.shape, w.scales.count == 1 || w.axis == 0
    else { return }
    let b = try bias(g, g.input(node, 2), x, w, count: shape[0])
    guard b.isRight, let zx = x.zero ?? zero(g, x.value), let zw = w.zero ?? zero(g, w.value) else {
      return
    }
    let new = QLinearConv(window: op.window, group: op.group)
    let inputs = [x.value, x.scale, zx, w.value, w.scale, zw, y.scale, y.zero, b.value]
    try g.fuse(
      i, [node], into: new, b.value == nil ? Array(inputs.dropLast()) : inputs, by: "quantized")
  }

  /// A zero point of nothing, in the type of `value`.
  private static func zero(_ g: GraphEditor, _ value: ValueID?) -> ValueID? {
    guard let value, let dtype = g.dtype(value), dtype == .int8 || dtype == .uint8,
      let tensor = try? Tensor(TensorType(dtype, []), fill: { $0[0] = 0 })
    else { return nil }
    return g.addConstant(tensor)
  }

  private static func matMul(
    _ g: GraphEditor, _ i: Int, _ node: Int, _ y: Quantized
  ) throws(EngineError) {
    guard let x = Quantized(g, dequantized: g.input(node, 0)), x.scales.count == 1,
      let w = Quantized(g, dequantized: g.input(node, 1)), w.scales.count == 1,
      let zx = x.zero ?? zero(g, x.value), let zw = w.zero ?? zero(g, w.value)
    else { return }
    try g.fuse(
      i, [node], into: QLinearMatMul(),
      [x.value, x.scale, zx, w.value, w.scale, zw, y.scale, y.zero], by: "quantized")
  }

  /// `x W + b` as a convolution of images of one element, which has a bias.
  private static func gemm(
    _ g: GraphEditor, _ i: Int, _ node: Int, _ op: Gemm, _ y: Quantized
  ) throws(EngineError) {
    guard op.alpha == 1, op.beta == 1, !op.transA,
      let x = Quantized(g, dequantized: g.input(node, 0)), x.scales.count == 1, let value = x.value,
      let w = Quantized(g, dequantized: g.input(node, 1)), let weights = w.value,
      var tensor = g.constant(weights), tensor.shape.rank == 2,
      w.scales.count == 1 || w.axis == (op.transB ? 0 : 1),
      let rows = g.dims(value)?.first?.known
    else { return }
    if !op.transB { tensor = try Eager().apply(Transpose(perm: [1, 0]), tensor) }
    let (outputs, depth) = (tensor.shape[0], tensor.shape[1])
    let b = try bias(g, g.input(node, 2), x, w, count: outputs)
    guard b.isRight, let zx = x.zero ?? zero(g, value), let zw = w.zero ?? zero(g, weights) else {
      return
    }
    let filter = g.addConstant(try tensor.reshaped([outputs, depth, 1, 1]))
    func ints(_ list: [Int]) throws(EngineError) -> ValueID {
      g.addConstant(try Tensor(list.map { Int64($0) }))
    }
    let image = try g.addOne(Reshape(), [value, ints([rows, depth, 1, 1])], at: i)
    let inputs = [image, x.scale, zx, filter, w.scale, zw, y.scale, y.zero, b.value]
    let made = try g.addOne(
      QLinearConv(), b.value == nil ? Array(inputs.dropLast()) : inputs, at: i)
    try g.fuse(i, [node], into: Reshape(), [made, ints([rows, outputs])], by: "quantized")
  }
}
