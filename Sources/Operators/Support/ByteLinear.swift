import Graphs
import Kernels
import Tensors

/// A product of 8-bit factors, the right one a matrix, each with one scale or, on the right, one
/// for each column: where the operators of quantised products keep their numbers, and the kernel.
struct ByteLinear: Sendable {
  /// Numbers of inputs; nil for those that the operator does not have or that are absent.
  struct Inputs {
    var a = 0
    var aScale: Int?
    var aZero: Int?
    var b = 1
    var bScale: Int?
    var bZero: Int?
    var extra: Int?
    var bias: Int?
    var residual: Int?
    var residualScale: Int?
    var residualZero: Int?
    var roundScale: Int?
    var roundZero: Int?
    var yScale: Int?
    var yZero: Int?
  }

  private let at: Inputs
  private let plan: ByteProductPlan
  private let alpha: Float
  private let bZeroStep: Int
  private let scaleStep: Int
  private let extraStep: Int
  /// Which of the inputs with zero points hold int8: a, residual, rounding, y.
  private let signs: (a: Bool, residual: Bool, round: Bool, y: Bool)
  private let residualIsCode: Bool
  private let isSettled: Bool
  let isEmpty: Bool

  /// Nil where factors, scales or zero points are of another kind.
  ///
  /// - `dims`: rows, columns and length of the sums of the one product.
  init?(
    _ p: Preparation, _ at: Inputs, m: Int, n: Int, k: Int, transB: Bool = false, alpha: Float = 1,
    function: UnaryKernel? = nil
  ) throws(EngineError) {
    func type(_ i: Int?) -> TensorType? { i.flatMap { $0 < p.inputs.count ? p.inputs[$0] : nil } }
    func isByte(_ t: TensorType) -> Bool { t.dtype == .int8 || t.dtype == .uint8 }
    /// Whether an input is absent, or one float, or so many where `most` is given.
    func fits(_ i: Int?, _ most: Int = 1, _ accepts: (DType) -> Bool) -> Bool {
      guard let t = type(i) else { return true }
      return (t.count == 1 || t.count == most) && accepts(t.dtype)
    }
    let isFloat: (DType) -> Bool = { $0 == .float32 }
    guard let a = type(at.a), let b = type(at.b), isByte(a), isByte(b), b.count == n * k,
      a.count == m * k, fits(at.aScale, 1, isFloat), fits(at.aZero, 1, { $0 == a.dtype }),
      fits(at.bScale, n, isFloat), fits(at.bZero, n, { $0 == b.dtype }),
      fits(at.extra, n, { $0 == .int32 }), fits(at.roundScale, 1, isFloat),
      fits(at.residualScale, 1, isFloat), fits(at.yScale, 1, isFloat),
      type(at.bias).map({ $0.count == n && $0.dtype == .float32 }) ?? true
    else { return nil }
    let isByteType: (DType) -> Bool = { $0 == .int8 || $0 == .uint8 }
    guard fits(at.roundZero, 1, isByteType), fits(at.yZero, 1, isByteType) else { return nil }
    if let residual = type(at.residual) {
      guard residual.count == m * n else { return nil }
      residualIsCode = residual.dtype != .float32
      guard !residualIsCode || (isByte(residual) && fits(at.residualZero, 1, isByteType)) else {
        return nil
      }
    } else {
      residualIsCode = false
    }
    self.at = at
    self.alpha = alpha
    bZeroStep = (type(at.bZero)?.count ?? 1) == 1 ? 0 : 1
    scaleStep = (type(at.bScale)?.count ?? 1) == 1 ? 0 : 1
    extraStep = (type(at.extra)?.count ?? 1) == 1 ? 0 : 1
    signs = (
      a.dtype == .int8, type(at.residual)?.dtype == .int8, type(at.roundZero)?.dtype == .int8,
      type(at.yZero)?.dtype == .int8
    )
    isSettled =
      at.roundScale == nil && at.bias == nil && at.residual == nil && function == nil
    isEmpty = m * n == 0
    let (along, across) = transB ? (1, k) : (n, 1)
    var packed: PackedBytes?
    if !isEmpty, let constant = p.constant(at.b), constant.type == b {
      packed = try p.packed(constant, as: "bytes \(n)x\(k) by \(across),\(along)") {
        (space) throws(EngineError) in
        defer { withExtendedLifetime(constant) {} }
        return try PackedBytes(
          n: n, k: k, isSigned: b.dtype == .int8, from: constant.storage.bytes, along: along,
          across: across, space: space)
      }
    }
    var hasZeros = type(at.bZero) != nil
    if let i = at.bZero, let zeros = p.constant(i), zeros.isAllZero { hasZeros = false }
    plan = ByteProductPlan(
      m: m, n: n, k: k, aIsSigned: a.dtype == .int8, bIsSigned: b.dtype == .int8, packed: packed,
      along: along, across: across, hasZerosOfB: hasZeros, function: function,
      threads: p.options.threads)
  }

  /// The product of MatMul, where B is a matrix; nil where it is none, or nothing comes out.
  static func matMul(_ p: Preparation, _ at: Inputs) throws(EngineError) -> ByteLinear? {
    let (a, b, y) = (try p.input(at.a).shape, try p.input(at.b).shape, try p.output(0))
    guard a.rank > 0, b.rank == 2, y.count > 0, a[a.rank - 1] == b[0] else { return nil }
    if at.yZero == nil, y.dtype != (at.aScale == nil ? .int32 : .float32) { return nil }
    if let i = at.yZero, try p.input(i).dtype != y.dtype { return nil }
    return try ByteLinear(p, at, m: y.count / b[1], n: b[1], k: b[0])
  }

  /// The kernel of an operator that does nothing else.
  func prepared() -> Prepared {
    Prepared(scratchBytes: scratchBytes, label: label) { (m) throws(EngineError) in run(m) }
  }

  var scratchBytes: Int { plan.scratchBytes }
  var label: String { plan.label }

  /// Writes output 0.
  func run(_ m: Memory) {
    run(m, m.outputs[0], scratch: m.scratch)
  }

  func run(_ m: Memory, _ y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    func raw(_ i: Int?) -> UnsafeRawPointer? { i.map { UnsafeRawPointer(m.inputs[$0]) } }
    func floats(_ i: Int?) -> UnsafePointer<Float>? { i.map { m.input($0, Float.self) } }
    func at(_ scale: Int, _ zero: Int?, _ isSigned: Bool) -> ByteScale {
      ByteScale(m.inputs[scale], zero: raw(zero), isSigned: isSigned)
    }
    var v = ByteProductValues()
    v.aZero = raw(self.at.aZero).map { QuantizedBytes.code($0, 0, isSigned: signs.a) } ?? 0
    v.bZeros = raw(self.at.bZero)
    v.bZeroStep = bZeroStep
    v.factor = floats(self.at.aScale).map { alpha * $0[0] } ?? alpha
    v.scales = floats(self.at.bScale)
    v.scaleStep = scaleStep
    v.extra = self.at.extra.map { m.input($0, Int32.self) }
    v.extraStep = extraStep
    v.bias = floats(self.at.bias)
    if let i = self.at.roundScale {
      let rounding = at(i, self.at.roundZero, signs.round)
      v.rounding = (rounding, signs.round)
      v.divisor = rounding.scale
    }
    if let i = self.at.residual {
      if residualIsCode {
        let zero = raw(self.at.residualZero).map {
          QuantizedBytes.code($0, 0, isSigned: signs.residual)
        }
        let scale = floats(self.at.residualScale).map { $0[0] } ?? 1
        v.residual = .codes(
          m.inputs[i], ByteScale(scale: scale, zero: zero ?? 0), isSigned: signs.residual)
      } else {
        v.residual = .floats(m.inputs[i])
      }
    }
    if let i = self.at.yScale {
      let scale = at(i, self.at.yZero, signs.y)
      if isSettled { v.divisor = scale.scale }
      v.output = .codes(scale, isSigned: signs.y, isSettled: isSettled)
    } else if self.at.aScale != nil {
      v.output = .floats
    }
    plan.run(
      a: m.inputs[self.at.a], b: m.inputs[self.at.b], v, y: y, scratch: scratch, pool: m.pool)
  }
}

extension Tensor {
  /// Whether every byte is 0.
  var isAllZero: Bool {
    let bytes = storage.bytes.assumingMemoryBound(to: UInt8.self)
    return (0..<byteCount).allSatisfy { bytes[$0] == 0 }
  }
}
