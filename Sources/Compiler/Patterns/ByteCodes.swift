import Graphs
import Operators
import Tensors

/// A value of float32 that is made of 8-bit codes by one DequantizeLinear.
struct ByteCodes {
  let node: Int
  let codes: ValueID
  let scale: ValueID
  let zero: ValueID?
  let axis: Int

  init?(_ g: GraphEditor, _ v: ValueID?) {
    guard let v, let (node, op) = g.made(v, by: DequantizeLinear.self), op.scales.block == 0,
      op.output == nil || op.output == .float32, let codes = g.input(node, 0),
      let scale = g.input(node, 1), g.dtype(scale) == .float32,
      g.dtype(codes) == .int8 || g.dtype(codes) == .uint8
    else { return nil }
    self.node = node
    self.codes = codes
    self.scale = scale
    zero = g.input(node, 2)
    axis = op.scales.axis
  }

  /// Whether one scale is for all.
  func isUniform(_ g: GraphEditor) -> Bool { g.isOne(scale) }

  /// The zero point; a constant 0 where there is none.
  func zeroPoint(_ g: GraphEditor) throws(EngineError) -> ValueID {
    if let zero { return zero }
    return try g.zeroCode(g.dtype(codes) ?? .uint8)
  }
}

/// A QuantizeLinear of float32 to 8-bit codes with one scale.
struct ByteRounding {
  let scale: ValueID
  let zero: ValueID?
  let type: DType

  init?(_ g: GraphEditor, _ node: Int) {
    guard let op: QuantizeLinear = g.op(node), op.scales.block == 0,
      op.precision == nil || op.precision == .float32, let x = g.input(node, 0),
      g.dtype(x) == .float32, let scale = g.input(node, 1), g.dtype(scale) == .float32,
      g.isOne(scale), let y = g.output(node), let type = g.dtype(y),
      type == .int8 || type == .uint8
    else { return nil }
    self.scale = scale
    zero = g.input(node, 2)
    self.type = type
  }

  func zeroPoint(_ g: GraphEditor) throws(EngineError) -> ValueID {
    if let zero { return zero }
    return try g.zeroCode(type)
  }
}

extension GraphEditor {
  /// Whether a value is known to have one element.
  func isOne(_ v: ValueID) -> Bool { dims(v)?.product.known == 1 }

  /// A constant code 0.
  func zeroCode(_ type: DType) throws(EngineError) -> ValueID {
    addConstant(try type == .int8 ? Tensor(scalar: 0 as Int8) : Tensor(scalar: 0 as UInt8))
  }

  /// Whether two values are the same, or constants of the same bits.
  func isSame(_ a: ValueID?, _ b: ValueID?) -> Bool {
    if a == b { return true }
    guard let x = constant(a), let y = constant(b), x.dtype == y.dtype, x.count == y.count else {
      return false
    }
    return x.byteCount == y.byteCount && x.hasBytes(of: y)
  }

  /// Whether a node only moves or renames elements of its first input.
  func isMovement(_ node: Int) -> Bool {
    switch self.node(node).op {
    case is Reshape, is Transpose, is Squeeze, is Unsqueeze, is Flatten: true
    default: false
    }
  }
}

extension Tensor {
  func hasBytes(of other: Tensor) -> Bool {
    let a = storage.bytes.assumingMemoryBound(to: UInt8.self)
    let b = other.storage.bytes.assumingMemoryBound(to: UInt8.self)
    return (0..<min(byteCount, other.byteCount)).allSatisfy { a[$0] == b[$0] }
  }
}
