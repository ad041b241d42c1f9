import Glibc
import Graphs
import Operators
import Tensors

enum IdentityArithmetic: Pass {
  static let name = "simplify-arithmetic"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "arithmetic with constants that change nothing (x + 0, x * 1, x ^ 1, max(x, -inf), "
      + "a Where or And whose condition is known), functions that undo themselves (Neg, Not, a Cast "
      + "back), powers 2, 3, 1/2 and -1, two constant factors or Clips in a row, and whole tensors "
      + "of one number beside others of their shape",
    makes: "the value itself, a product, root or reciprocal, one factor, one Clip, or a scalar",
    why: "the results are equal; a cube and a joined factor may differ in the last bit")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      if let source = unchanged(g, i) {
        g.bypass(i, with: source, by: name)
        continue
      }
      if g.mayUse(opset: 7, options) { try shrinkOperands(g, i) }
      switch g.node(i).op {
      case let op as Pow where op.form == .both:
        if g.mayUse(opset: 7, options) { try power(g, i) }
      case is Mul, is Div:
        if g.mayUse(opset: 7, options) { try joinFactors(g, i) }
      case let op as Cast: try joinCasts(g, i, op)
      case is Clip:
        if g.mayUse(opset: 11, options) { try joinClips(g, i) }
      default: break
      }
    }
  }

  /// The input that a node's result equals.
  private static func unchanged(_ g: GraphEditor, _ i: Int) -> ValueID? {
    guard let a = g.input(i, 0), g.broadcastsBothWays(i) else { return nil }
    let b = g.input(i, 1)
    switch g.node(i).op {
    case is Add: return neutral(g, i, 0, either: true)
    case is Sub: return neutral(g, i, 0, either: false)
    case is Mul: return neutral(g, i, 1, either: true)
    case is Div: return neutral(g, i, 1, either: false)
    case let op as Pow: return op.form == .both ? neutral(g, i, 1, either: false) : nil
    case let op as And: return op.form == .both ? neutral(g, i, 1, either: true) : nil
    case let op as Or: return op.form == .both ? neutral(g, i, 0, either: true) : nil
    case is Max: return isFloat(g, a) ? neutral(g, i, -.infinity, either: true) : nil
    case is Min: return isFloat(g, a) ? neutral(g, i, .infinity, either: true) : nil
    case is Neg: return g.made(a, by: Neg.self).flatMap { g.input($0.node, 0) }
    case is Not: return g.made(a, by: Not.self).flatMap { g.input($0.node, 0) }
    case let op as Clip:
      let isOpen = op.lower ?? -.infinity == -.infinity && op.upper ?? .infinity == .infinity
      guard isOpen, b == nil || g.scalar(b) == -.infinity else { return nil }
      let high = g.input(i, 2)
      return high == nil || g.scalar(high) == .infinity ? a : nil
    case is Where:
      guard let b, let c = g.input(i, 2), let on = g.uniform(a) else { return nil }
      let (taken, other) = on != 0 ? (b, c) : (c, b)
      return g.addsNoSize(a, to: taken) && g.addsNoSize(other, to: taken) ? taken : nil
    default: return nil
    }
  }

  /// A constant of one number throughout, as large as what stands beside it, becomes a scalar: it
  /// need not be read. Vectors stay, since biases and factors are looked for as such.
  private static func shrinkOperands(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard g.node(i).op is any BinaryElementwise || g.node(i).op is Where, g.broadcastsBothWays(i)
    else { return }
    let inputs = g.node(i).inputs.indices
    for k in inputs {
      guard let v = g.input(i, k), let t = g.constant(v),
        t.shape.array.filter({ $0 > 1 }).count > 1,
        inputs.contains(where: { j in
          j != k && (g.input(i, j).map { g.addsNoSize(v, to: $0) } ?? false)
        }), let scalar = try t.repeatedScalar()
      else { continue }
      g.setInput(i, k, to: g.addConstant(scalar))
      g.note(i, "\(name): takes one number for a whole tensor of it")
    }
  }

  private static func isFloat(_ g: GraphEditor, _ v: ValueID) -> Bool {
    g.dtype(v)?.isFloat ?? false
  }

  /// The operand beside a constant that is `number` throughout.
  private static func neutral(
    _ g: GraphEditor, _ i: Int, _ number: Double, either: Bool
  ) -> ValueID? {
    guard g.node(i).inputs.count == 2, let a = g.input(i, 0), let b = g.input(i, 1) else {
      return nil
    }
    if g.uniform(b) == number, g.addsNoSize(b, to: a) { return a }
    if either, g.uniform(a) == number, g.addsNoSize(a, to: b) { return b }
    return nil
  }

  private static func power(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), let e = g.input(i, 1), let exponent = g.uniform(e),
      g.addsNoSize(e, to: x), g.dtype(x) == .float32 || g.dtype(x) == .float64
    else { return }
    switch exponent {
    case 2: try g.fuse(i, into: Mul(), [x, x], by: name)
    case 3:
      let square = try g.addOne(Mul(), [x, x], at: i)
      try g.fuse(i, into: Mul(), [square, x], by: name)
    case -1: try g.fuse(i, into: Reciprocal(), [x], by: name)
    case 0.5:
      // The root of minus infinity is no number, its power 1/2 is infinity.
      guard g.isNonNegative(x) else {
        g.miss(i, "\(name): a power 1/2 of what may be negative is no root")
        return
      }
      try g.fuse(i, into: Sqrt(), [x], by: name)
    default: return
    }
  }

  /// `x * c` or `x / c` with one float32 number `c`.
  private static func factor(_ g: GraphEditor, _ i: Int) -> (x: ValueID, c: Double, divides: Bool)?
  {
    guard g.broadcastsBothWays(i), let a = g.input(i, 0), let b = g.input(i, 1),
      g.dtype(a) == .float32
    else { return nil }
    let divides = g.node(i).op is Div
    guard divides || g.node(i).op is Mul else { return nil }
    if let c = g.scalar(b), g.constant(a) == nil, g.addsNoSize(b, to: a) { return (a, c, divides) }
    if !divides, let c = g.scalar(a), g.constant(b) == nil, g.addsNoSize(a, to: b) {
      return (b, c, false)
    }
    return nil
  }

  private static func joinFactors(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let outer = factor(g, i), let m = g.maker(outer.x), let inner = factor(g, m) else {
      return
    }
    guard g.hasOneUse(outer.x) else { return }
    let both = outer.divides && inner.divides
    let c: Double =
      if outer.divides == inner.divides {
        outer.c * inner.c
      } else if outer.divides {
        inner.c / outer.c
      } else {
        outer.c / inner.c
      }
    let number = Float(c)
    guard number.isNormal, Float(outer.c).isNormal, Float(inner.c).isNormal else { return }
    let constant = g.addConstant(try Tensor(scalar: number))
    if both {
      try g.fuse(i, [m], into: Div(), [inner.x, constant], by: name)
    } else {
      try g.fuse(i, [m], into: Mul(), [inner.x, constant], by: name)
    }
  }

  /// The bounds of a Clip of float32 numbers, where they are known.
  static func bounds(_ g: GraphEditor, _ i: Int) -> (low: Float, high: Float)? {
    guard let op: Clip = g.op(i), let y = g.output(i), g.dtype(y) == .float32 else { return nil }
    func bound(_ own: Float?, _ k: Int, _ open: Float) -> Float? {
      if let own { return own }
      guard let v = g.input(i, k) else { return open }
      return g.scalar(v).map { Float($0) }
    }
    guard let low = bound(op.lower, 1, -.infinity), let high = bound(op.upper, 2, .infinity),
      low <= high
    else { return nil }
    return (low, high)
  }

  /// A Clip of a Clip, as exporters write bounds one by one.
  private static func joinClips(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), let (m, _) = g.made(x, by: Clip.self), g.hasOneUse(x),
      let source = g.input(m, 0), let inner = bounds(g, m), let outer = bounds(g, i)
    else { return }
    func clipped(_ a: Float) -> Float { min(max(a, outer.low), outer.high) }
    let inputs = try clip(g, source, clipped(inner.low), clipped(inner.high))
    try g.fuse(i, [m], into: Clip(), inputs, by: name)
  }

  /// The inputs of a Clip of `x` between two bounds.
  static func clip(
    _ g: GraphEditor, _ x: ValueID, _ low: Float, _ high: Float
  ) throws(EngineError) -> [ValueID?] {
    func constant(_ a: Float) throws(EngineError) -> ValueID? {
      a.isFinite ? g.addConstant(try Tensor(scalar: a)) : nil
    }
    var inputs: [ValueID?] = [x, try constant(low), try constant(high)]
    while inputs.count > 1, inputs.last == .some(nil) { inputs.removeLast() }
    return inputs
  }

  /// A Cast of a Cast that lost nothing.
  private static func joinCasts(_ g: GraphEditor, _ i: Int, _ op: Cast) throws(EngineError) {
    guard let x = g.input(i, 0), let (first, _) = g.made(x, by: Cast.self),
      let source = g.input(first, 0), let from = g.dtype(source), let middle = g.dtype(x),
      from.isHeld(by: middle), op.to != .string
    else { return }
    // What is out of range wraps between integers, and need not do so from floats.
    guard !(from.isInteger && middle.isFloat && op.to.isInteger) || from.isHeld(by: op.to) else {
      return
    }
    g.setInput(i, 0, to: source)
    g.note(i, "\(name): takes the value before a Cast that loses nothing")
  }
}

extension DType {
  /// Whether every number of this type is one of `other` as well.
  fileprivate func isHeld(by other: DType) -> Bool {
    if self == other { return true }
    func digits(_ d: DType) -> (low: Int, high: Int)? {
      switch d {
      case .bool: (0, 1)
      case .uint8: (0, 8)
      case .uint16: (0, 16)
      case .uint32: (0, 32)
      case .uint64: (0, 64)
      case .int8: (7, 7)
      case .int16: (15, 15)
      case .int32: (31, 31)
      case .int64: (63, 63)
      default: nil
      }
    }
    let own = digits(self)
    switch other {
    case .float16: return own.map { max($0.low, $0.high) <= 11 } ?? false
    case .bfloat16: return own.map { max($0.low, $0.high) <= 8 } ?? false
    case .float32:
      return own.map { max($0.low, $0.high) <= 24 } ?? (self == .float16 || self == .bfloat16)
    case .float64:
      return own.map { max($0.low, $0.high) <= 53 }
        ?? (self == .float16 || self == .bfloat16 || self == .float32)
    case .bool: return false
    default:
      guard let own, let theirs = digits(other) else { return false }
      return own.low <= theirs.low && own.high <= theirs.high
    }
  }
}

extension Tensor {
  /// The element that all are, as a scalar; nil where they differ.
  fileprivate func repeatedScalar() throws(EngineError) -> Tensor? {
    let size = dtype.byteSize
    guard dtype != .string, !dtype.isPacked, count > 1,
      memcmp(storage.bytes, storage.bytes + size, byteCount - size) == 0
    else { return nil }
    let one = try Storage(TensorType(dtype, []))
    one.bytes.copyMemory(from: storage.bytes, byteCount: size)
    return Tensor(one)
  }
}
