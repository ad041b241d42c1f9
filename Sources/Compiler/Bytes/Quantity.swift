import Graphs
import Kernels
import Operators
import Tensors

/// What a QuantizeLinear or DequantizeLinear with one constant scale for all works on.
struct Quantity {
  /// The number, or the quantised one, that it takes.
  let value: ValueID
  let scale: PixelScale

  /// Nil for other nodes, other types than bytes, several scales, and scales that are not known.
  init?(dequantizing node: Int, _ g: GraphEditor) {
    guard g.node(node).op is DequantizeLinear || g.node(node).op is ContribDequantizeLinear,
      let x = g.input(node, 0),
      let s = Self.scale(g, g.input(node, 1), g.input(node, 2), g.dtype(x))
    else { return nil }
    (value, scale) = (x, s)
  }

  init?(quantizing node: Int, _ g: GraphEditor) {
    switch g.node(node).op {
    case let op as QuantizeLinear:
      guard op.precision == nil || op.precision == .float32 else { return nil }
    case is ContribQuantizeLinear: break
    default: return nil
    }
    guard let x = g.input(node, 0), g.dtype(x) == .float32, let y = g.output(node),
      let s = Self.scale(g, g.input(node, 1), g.input(node, 2), g.dtype(y))
    else { return nil }
    (value, scale) = (x, s)
  }

  /// A constant scale and zero point of numbers of `type`, as bytes have them.
  static func scale(
    _ g: GraphEditor, _ scale: ValueID?, _ zero: ValueID?, _ type: DType?
  ) -> PixelScale? {
    guard let t = g.constant(scale), t.count == 1, t.dtype == .float32, let s = t.asDouble(0),
      s > 0, s.isFinite, type == .uint8 || type == .int8
    else { return nil }
    var point = type == .int8 ? 128 : 0
    if let zero {
      guard let t = g.constant(zero), t.count == 1, let z = t.asDouble(0) else { return nil }
      point += Int(z)
    }
    guard (0...255).contains(point) else { return nil }
    return PixelScale(Float(s), zero: point)
  }
}

/// The scale of a result, and the bytes between which it stays.
struct ByteTarget {
  let scale: PixelScale
  var low = 0
  var high = 255

  init(_ scale: PixelScale) { self.scale = scale }

  /// Keeps numbers between two.
  mutating func bound(_ a: Float, _ b: Float) {
    // Each bound holds for what the other left.
    if a > -.infinity { low = min(max(low, scale.byte(a)), 255) }
    if b < .infinity { high = max(min(high, scale.byte(b)), 0) }
    if low > high { low = high }
  }
}

/// Constant weights as int8 with a zero point of 0.
struct ByteWeights {
  /// As the file has them, or moved by their zero points.
  let values: ValueID
  /// What a step of each output stands for: one number, or one an output.
  let scales: [Float]

  /// - `axis`: that of outputs.
  ///
  /// Nil where weights are not constant, or do not fit int8 without their zero points.
  init?(_ g: GraphEditor, _ v: ValueID?, axis: Int) throws(EngineError) {
    guard let v, let i = g.maker(v), let op = g.node(i).op as? DequantizeLinear,
      op.scales.block == 0, g.dtype(v) == .float32, let x = g.input(i, 0)
    else { return nil }
    try self.init(
      g, x, scale: g.input(i, 1), zero: g.input(i, 2), axis: axis, given: op.scales.axis)
  }

  init?(
    _ g: GraphEditor, _ x: ValueID, scale: ValueID?, zero: ValueID?, axis: Int, given: Int
  ) throws(EngineError) {
    guard let t = g.constant(x), t.dtype == .int8 || t.dtype == .uint8, let s = g.constant(scale),
      s.dtype == .float32, axis < t.shape.rank
    else { return nil }
    let outputs = t.shape[axis]
    guard s.count == 1 || s.count == outputs && s.shape.rank == 1 else { return nil }
    if s.count > 1, given != axis, given + t.shape.rank != axis { return nil }
    scales = try s.values(as: Float.self)
    guard scales.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return nil }
    var zeros = [Int](repeating: 0, count: 1)
    if let zero {
      guard let z = g.constant(zero), z.count == 1 || z.count == outputs else { return nil }
      zeros = (0..<z.count).map { Int(z.asDouble($0) ?? 0) }
    }
    if t.dtype == .int8, zeros.allSatisfy({ $0 == 0 }) {
      values = x
      return
    }
    let inner = t.shape.count(of: axis + 1..<t.shape.rank)
    var made = [Int8]()
    made.reserveCapacity(t.count)
    for i in 0..<t.count {
      let zero = zeros[zeros.count == 1 ? 0 : i / inner % outputs]
      guard let w = Int8(exactly: Int(t.asDouble(i) ?? 0) - zero) else { return nil }
      made.append(w)
    }
    values = g.addConstant(try Tensor(shape: t.shape, made))
  }

  /// A constant bias of `count` outputs: int32 in steps of input and weights, or float32 where it
  /// is no whole number of them.
  ///
  /// Nil where it is not constant.
  func bias(
    _ g: GraphEditor, _ v: ValueID, input: PixelScale, count: Int
  ) throws(EngineError) -> ValueID? {
    if let t = g.constant(v) {
      guard t.dtype == .float32, t.count == count else { return nil }
      // Its DequantizeLinear may have been folded already.
      if let whole = steps(of: try t.values(as: Float.self), input: input) {
        return g.addConstant(try Tensor(whole))
      }
      return t.shape.rank == 1 ? v : g.addConstant(try t.reshaped([count]))
    }
    guard let i = g.maker(v), g.node(i).op is DequantizeLinear, let x = g.input(i, 0),
      let t = g.constant(x), t.dtype == .int32, t.count == count, let s = g.constant(g.input(i, 1)),
      s.count == 1 || s.count == count
    else { return nil }
    if let zero = g.input(i, 2) {
      guard let z = g.constant(zero), (0..<z.count).allSatisfy({ z.asDouble($0) == 0 }) else {
        return nil
      }
    }
    let steps = try s.values(as: Float.self)
    let whole = try t.values(as: Int32.self)
    func step(_ list: [Float], _ m: Int) -> Float { list[list.count == 1 ? 0 : m] }
    let isExact = (0..<count).allSatisfy {
      let product = input.scale * step(scales, $0)
      return abs(step(steps, $0) - product) <= 1e-6 * product
    }
    if isExact { return t.shape.rank == 1 ? x : g.addConstant(try t.reshaped([count])) }
    return g.addConstant(try Tensor((0..<count).map { Float(whole[$0]) * step(steps, $0) }))
  }

  /// Numbers of outputs as whole steps of input and weights; nil where some are none.
  private func steps(of bias: [Float], input: PixelScale) -> [Int32]? {
    var whole = [Int32]()
    for (m, b) in bias.enumerated() {
      let step = input.scale * scales[scales.count == 1 ? 0 : m]
      guard let n = Int32(exactly: step > 0 ? (b / step).rounded() : 0),
        abs(Float(n) * step - b) <= 1e-6 * abs(b)
      else { return nil }
      whole.append(n)
    }
    return whole
  }
}
