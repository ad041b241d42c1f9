import Graphs
import Kernels
import Tensors

// What quantised elementwise operators share.

/// A quantised operator that applies a real function to each element, by a table of its 256
/// results.
public protocol ByteUnary: Operator {
  /// The function on real numbers.
  func apply(_ x: Float) -> Float
}

extension ByteUnary {
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let from = try ByteScaleInputs(p, "X", dtype: x.dtype, scale: 1, zero: 2)
    let to = try ByteScaleInputs(p, "Y", dtype: x.dtype, scale: 3, zero: 4)
    let (count, isSigned) = (x.count, x.dtype == .int8)
    return Prepared(scratchBytes: 256, inPlace: 1, label: "table int8") { m in
      QuantizedBytes.tabulate(
        m.scratch, from: from.read(m), xIsSigned: isSigned, to: to.read(m), yIsSigned: isSigned
      ) { self.apply($0) }
      QuantizedBytes.look(m.scratch, count: count, m.inputs[0], m.outputs[0], pool: m.pool)
    }
  }
}

/// The inputs of a `ByteUnary`.
func byteUnaryInputs() -> [Parameter] {
  [
    Parameter("X", MatMulInteger.types), Parameter("X_scale", DTypes(.float32), ""),
    .optional("X_zero_point", MatMulInteger.types), Parameter("Y_scale", DTypes(.float32), ""),
    .optional("Y_zero_point", MatMulInteger.types),
  ]
}

/// Cases of a `ByteUnary`: int8 and uint8, with and without zero points.
func byteUnaryCases(_ op: any Operator, scale: Float) throws(EngineError) -> [Schema.Case] {
  let x = try Tensor(shape: [3, 4], (0..<12).map { UInt8($0 * 19 % 251) })
  let z = try Tensor(shape: [6], (0..<6).map { Int8($0 * 37 % 120 - 60) })
  let (a, b) = (try Tensor(scalar: 0.06 as Float), try Tensor(scalar: scale))
  return [
    .init(op, [x, a, try Tensor(scalar: 130 as UInt8), b, try Tensor(scalar: 7 as UInt8)]),
    .init(op, [z, a, nil, b]),
  ]
}

/// A quantised operator of two broadcast operands.
public protocol ByteBinary: Operator {
  typealias Kernel =
    @Sendable (
      _ plan: BroadcastPlan, _ a: UnsafeRawPointer, _ aScale: ByteScale, _ b: UnsafeRawPointer,
      _ bScale: ByteScale, _ y: UnsafeMutableRawPointer, _ yScale: ByteScale, _ isSigned: Bool,
      _ pool: ThreadPool
    ) -> Void
  static var kernel: Kernel { get }
}

extension ByteBinary {
  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(0), c.dtype(3))
    return [Fact(c.dtype(0) ?? c.dtype(3), try broadcast(c.dims(0), c.dims(3)))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, b, y) = (try p.input(0), try p.input(3), try p.output(0))
    let aScale = try ByteScaleInputs(p, "A", dtype: a.dtype, scale: 1, zero: 2)
    let bScale = try ByteScaleInputs(p, "B", dtype: a.dtype, scale: 4, zero: 5)
    let yScale = try ByteScaleInputs(p, "C", dtype: a.dtype, scale: 6, zero: 7)
    let plan = try BroadcastPlan(output: y.shape, inputs: Few(a.shape, b.shape))
    let isSigned = a.dtype == .int8
    let kernel = Self.kernel
    var mask: UInt64 = a.count == y.count ? 1 : 0
    if b.count == y.count { mask |= 1 << 3 }
    return Prepared(inPlace: mask, label: "int8") { m in
      kernel(
        plan, m.inputs[0], aScale.read(m), m.inputs[3], bScale.read(m), m.outputs[0],
        yScale.read(m), isSigned, m.pool)
    }
  }
}

/// The inputs of a `ByteBinary`.
func byteBinaryInputs() -> [Parameter] {
  var list: [Parameter] = []
  for name in ["A", "B", "C"] {
    if name != "C" { list.append(Parameter(name, MatMulInteger.types)) }
    list.append(Parameter(name + "_scale", DTypes(.float32), ""))
    list.append(.optional(name + "_zero_point", MatMulInteger.types))
  }
  return list
}

/// Cases of a `ByteBinary`: broadcast either way, int8 and uint8, with and without zero points.
func byteBinaryCases(_ op: any Operator) throws(EngineError) -> [Schema.Case] {
  let a = try Tensor(shape: [2, 3, 4], (0..<24).map { UInt8($0 * 10) })
  let b = try Tensor(shape: [3, 1], [3, 100, 250] as [UInt8])
  let c = try Tensor(shape: [4], [-100, 3, 40, 127] as [Int8])
  let (s, t) = (try Tensor(scalar: 0.03 as Float), try Tensor(scalar: 0.057 as Float))
  func zero(_ n: UInt8) throws(EngineError) -> Tensor { try Tensor(scalar: n) }
  return [
    .init(op, [a, s, try zero(100), b, t, try zero(7), t, try zero(13)]),
    .init(op, [b, s, try zero(1), a, t, nil, t]),
    .init(op, [c, s, nil, c, t, nil, t, try Tensor(scalar: -5 as Int8)]),
  ]
}
