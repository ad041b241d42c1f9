import Glibc
import Graphs
import Tensors

/// Numbers at equal distances: `start + i * delta` up to `limit`, which is left out.
///
/// - Formula: `max(ceil((limit - start) / delta), 0)` elements.
/// - `start`, `limit`, `delta`: scalars of one dtype: float16, bfloat16, float32, float64, int16,
///   int32 or int64.
/// - `stash_type`: precision of the half types' arithmetic: 1 (float32, the default). The half
///   types are always computed in float32 and rounded once.
/// - Errors: `.value` when `delta` is 0 or a value is not finite; `.shape` when the count exceeds
///   what memory can address.
/// - Named `RangeOp` because `Range` is Swift's.
/// - Source: ONNX Range 11, 27.
public struct RangeOp: Operator {
  public static let schema = Schema(
    "Range", versions: [11, 27],
    inputs: [
      Parameter("start", types, shape: true), Parameter("limit", types, shape: true),
      Parameter("delta", types, shape: true),
    ],
    outputs: [Parameter("output", types)],
    attributes: [
      AttributeSpec("stash_type", .int, "precision of half types: 1, float32", since: 27)
    ],
    isDifferentiable: true,
    cases: {
      [
        .init(
          RangeOp(),
          [
            try Tensor(scalar: 1 as Float), try Tensor(scalar: 4.1 as Float),
            try Tensor(scalar: 0.75 as Float),
          ]),
        .init(
          RangeOp(),
          [
            try Tensor(scalar: 10 as Int64), try Tensor(scalar: 4 as Int64),
            try Tensor(scalar: -2 as Int64),
          ]),
      ]
    })
  static let types = DTypes(.float16, .bfloat16, .float32, .float64, .int16, .int32, .int64)

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {
    let stash = try a.int("stash_type", default: 1)
    guard stash == 1 || stash == 10 || stash == 16 else {
      throw EngineError(
        .attribute, "attribute 'stash_type' has no legal value", expected: "1",
        received: "\(stash)")
    }
  }

  /// A scalar input's value: integers and floats apart, so that no integer loses bits.
  private enum Number {
    case int(Int)
    case float(Double)
  }
  private func number(_ t: Tensor) throws(EngineError) -> Number {
    guard t.count == 1 else {
      throw EngineError(.shape, "expected a scalar", received: "\(t.type)")
    }
    switch t.dtype {
    case .int64: return .int(Int(t.elements(Int64.self)[0]))
    case .int32: return .int(Int(t.elements(Int32.self)[0]))
    case .int16: return .int(Int(t.elements(Int16.self)[0]))
    case .float32: return .float(Double(t.elements(Float.self)[0]))
    case .float64: return .float(t.elements(Double.self)[0])
    case .float16: return .float(Double(t.elements(Float16.self)[0]))
    case .bfloat16: return .float(Double(t.elements(BFloat16.self)[0].float))
    default: throw EngineError(.dtype, "no range of these elements", received: "\(t.dtype)")
    }
  }

  private func count(_ a: Number, _ b: Number, _ d: Number) throws(EngineError) -> Int {
    switch (a, b, d) {
    case (.int(let start), .int(let limit), .int(let delta)):
      guard delta != 0 else { throw EngineError(.value, "delta is 0") }
      guard delta > 0 ? limit > start : limit < start else { return 0 }
      let distance = delta > 0 ? UInt(bitPattern: limit &- start) : UInt(bitPattern: start &- limit)
      return Int(clamping: (distance - 1) / delta.magnitude + 1)
    case (.float(let start), .float(let limit), .float(let delta)):
      let n = ceil((limit - start) / delta)
      guard delta != 0, n.isFinite else {
        throw EngineError(
          .value, "a range without an end", expected: "finite numbers and a delta other than 0",
          received: "start \(start), limit \(limit), delta \(delta)")
      }
      return n <= 0 ? 0 : n >= 9e18 ? Int.max : Int(n)
    default: throw EngineError(.dtype, "start, limit and delta differ in element type")
    }
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0) ?? c.dtype(1) ?? c.dtype(2)
    for i in 0..<3 {
      if let d = c.dtype(i), d != dtype {
        throw EngineError(
          .dtype, "start, limit and delta differ in element type", expected: dtype.map { "\($0)" },
          received: "\(d)")
      }
    }
    if let a = c.constant(0), let b = c.constant(1), let d = c.constant(2) {
      let (start, delta) = (try number(a), try number(d))
      let n = try count(start, number(b), delta)
      _ = try Shape(checking: [n])
      guard n <= Fact.maxElements, case .int(let first) = start, case .int(let step) = delta else {
        return [Fact(dtype, [Dim(n)])]
      }
      return [
        Fact(integers: dtype, [Dim(n)], (0..<n).map { Dim(first &+ $0 &* step) })
      ]
    }
    if let a = c.elements(0)?.first, let b = c.elements(1)?.first, let d = c.elements(2)?.first {
      if let start = a.known, let limit = b.known, let delta = d.known {
        let n = try count(.int(start), .int(limit), .int(delta))
        _ = try Shape(checking: [n])
        let values = n <= Fact.maxElements ? (0..<n).map { Dim(start &+ $0 &* delta) } : nil
        return [Fact(integers: dtype, [Dim(n)], values)]
      }
      // A symbolic range runs upwards: an exporter's counter over an axis.
      if let step = d.known, step > 0 {
        return [Fact(dtype, [(b - a).dividedRoundingUp(by: d)])]
      }
    }
    return [Fact(dtype, [c.unknown()])]
  }

  /// Eight numbers at a time, without a product.
  private func count<T: FixedWidthInteger & SIMDScalar>(
    _ y: UnsafeMutablePointer<T>, _ n: Int, _ start: T, _ delta: T
  ) {
    var eight = SIMD8<T>(repeating: start)
    for k in 0..<8 { eight[k] &+= T(truncatingIfNeeded: k) &* delta }
    let step = SIMD8<T>(repeating: 8 &* delta)
    var i = 0
    while i &+ 8 <= n {
      UnsafeMutableRawPointer(y + i).storeBytes(of: eight, as: SIMD8<T>.self)
      eight &+= step
      i &+= 8
    }
    for k in 0..<n - i { y[i + k] = eight[k] }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    guard let a = p.constant(0), let d = p.constant(2) else {
      throw EngineError(.internalDefect, "the values of a range are not known")
    }
    let type = try p.output(0)
    let n = type.count
    switch (try number(a), try number(d)) {
    case (.int(let start), .int(let delta)):
      switch type.dtype {
      case .int64:
        return Prepared { m in
          count(m.output(0, Int64.self), n, Int64(start), Int64(delta))
        }
      case .int32:
        return Prepared { m in
          count(
            m.output(0, Int32.self), n, Int32(truncatingIfNeeded: start),
            Int32(truncatingIfNeeded: delta))
        }
      case .int16:
        return Prepared { m in
          let y = m.output(0, Int16.self)
          for i in 0..<n { y[i] = Int16(truncatingIfNeeded: start &+ i &* delta) }
        }
      default: throw p.noKernel()
      }
    case (.float(let start), .float(let delta)):
      let (s, d) = (Float(start), Float(delta))
      switch type.dtype {
      case .float64:
        return Prepared { m in
          let y = m.output(0, Double.self)
          for i in 0..<n { y[i] = start + Double(i) * delta }
        }
      case .float32:
        return Prepared { m in
          let y = m.output(0, Float.self)
          for i in 0..<n { y[i] = s + Float(i) * d }
        }
      case .float16:
        return Prepared { m in
          let y = m.output(0, Float16.self)
          for i in 0..<n { y[i] = Float16(s + Float(i) * d) }
        }
      case .bfloat16:
        return Prepared { m in
          let y = m.output(0, BFloat16.self)
          for i in 0..<n { y[i] = BFloat16(s + Float(i) * d) }
        }
      default: throw p.noKernel()
      }
    default: throw p.noKernel()
    }
  }
}

extension RangeOp {
  /// By start and delta; the limit decides only how many numbers there are.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let up = try g.upstream()
    if g.needs(0) {
      g.give(0, try reshape(b, sum(b, up, [0], keepDims: false), like: g.input(0)))
    }
    if g.needs(1) { g.give(1, try zeros(b, like: g.input(1))) }
    if g.needs(2) {
      let steps = try cast(b, places(b, up, axis: 0), like: up)
      let total = try sum(b, times(b, up, steps), [0], keepDims: false)
      g.give(2, try reshape(b, total, like: g.input(2)))
    }
  }
}
