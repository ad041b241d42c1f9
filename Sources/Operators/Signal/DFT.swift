import Graphs
import Kernels
import Tensors

/// The discrete Fourier transform along an axis.
///
/// - Formula: `y[k] = sum(n) exp(-2 pi i k n / N) x[n]`; the inverse with the opposite sign, divided
///   by `N`.
/// - `input`: float16, bfloat16, float32 or float64 `[..., 1]` (real) or `[..., 2]` (complex, real
///   part first). `dft_length`: int32 or int64 scalar `N`; the signal is cut or padded with zeros;
///   default the axis' size. `axis`: int64 scalar from opset 20, default -2; an attribute before,
///   default 1. It is not the last axis.
/// - `inverse`: default 0. `onesided`: 1 gives the first `N / 2 + 1` values of a real signal's
///   transform; with `inverse`, takes those and gives the real signal; default 0.
/// - Output: complex `[..., 2]`; `[..., 1]` for the inverse from one side.
/// - Errors: `.shape` for a last axis of other than 1 or 2, a length below 1, or a complex signal
///   with `onesided` forward; `.attribute` for the axis.
/// - Accuracy: in float64 for float64, otherwise in float32, with an error relative to the largest
///   value that grows with `log N`. The transform of a real signal is hermitian to the last bit.
/// - Cost: O(N log N) for every N.
/// - Source: ONNX DFT 17, 20 (`axis` an input).
public struct DFT: Operator {
  public let isInverse: Bool
  public let isOneSided: Bool
  /// Where it is an attribute.
  public let axis: Int?

  public static let schema = Schema(
    "DFT", versions: [17, 20],
    inputs: [
      Parameter("input", .floats, "T1"), .optional("dft_length", .indices, "T2", shape: true),
      .optional("axis", .int64, "", shape: true),
    ],
    outputs: [Parameter("output", .floats, "T1")],
    attributes: [
      AttributeSpec("inverse", .int, "1: the inverse transform; default 0"),
      AttributeSpec("onesided", .int, "1: the half that determines a real signal; default 0"),
      AttributeSpec("axis", .int, "an input from opset 20; default 1", before: 20),
    ],
    inputCounts: [17: 1...2, 20: 1...3],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 6, 1], (1...12).map { Float($0 * $0 % 7) })
      let z = try Tensor(shape: [1, 4, 2], (1...8).map { Float($0 * $0 % 7) })
      return [
        .init(DFT(), [x]), .init(DFT(isOneSided: true), [x, try Tensor(scalar: 5 as Int64)]),
        .init(DFT(isInverse: true), [z]), .init(DFT(isInverse: true, isOneSided: true), [z]),
      ]
    })

  public init(isInverse: Bool = false, isOneSided: Bool = false, axis: Int? = nil) {
    self.isInverse = isInverse
    self.isOneSided = isOneSided
    self.axis = axis
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    isInverse = try a.bool("inverse", default: false)
    isOneSided = try a.bool("onesided", default: false)
    axis = try a.optionalInt("axis") ?? (a.opset < 20 ? 1 : nil)
  }
  public var attributes: [Attribute] {
    [.bool("inverse", isInverse), .bool("onesided", isOneSided)]
      + (axis.map { [.int("axis", $0)] } ?? [])
  }

  fileprivate func place(_ given: Int?, rank: Int) throws(EngineError) -> Int {
    let at = try normalisedAxis(axis ?? given ?? -2, rank: rank)
    guard at < rank - 1 else {
      throw EngineError(
        .attribute, "the last axis holds real and imaginary parts",
        expected: "an axis below \(rank - 1)", received: "\(at)")
    }
    return at
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    let length = try Signal.number(c, 1)
    try Signal.checkPositive(length?.known, "the transform's length")
    guard var dims = c.dims(0) else { return [Fact(dtype, nil)] }
    guard dims.count >= 2, dims[dims.count - 1].known.map({ $0 == 1 || $0 == 2 }) ?? true else {
      throw EngineError(
        .shape, "expected real or complex numbers along the last axis",
        expected: "[..., 1] or [..., 2]", received: "\(dims)")
    }
    if isOneSided && !isInverse && dims[dims.count - 1].known == 2 {
      throw EngineError(
        .shape, "one side of a complex signal's transform does not determine it",
        expected: "[..., 1]", received: "\(dims)")
    }
    dims[dims.count - 1] = isInverse && isOneSided ? 1 : 2
    let given = c.ints(2)?.first
    if axis == nil && c.has(2) && given == nil {
      return [Fact(dtype, c.unknown(rank: dims.count - 1) + [dims[dims.count - 1]])]
    }
    let at = try place(given, rank: dims.count)
    let whole: Dim =
      if let length {
        length
      } else if c.has(1) {
        c.unknown()
      } else if isInverse && isOneSided {
        dims[at].known.map { Dim(2 * max(0, $0 - 1)) } ?? c.unknown()
      } else {
        dims[at]
      }
    try Signal.checkPositive(whole.known, "the transform's length")
    dims[at] =
      isOneSided && !isInverse ? whole.known.map { Dim($0 / 2 + 1) } ?? c.unknown() : whole
    return [Fact(dtype, dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    switch try p.input(0).dtype {
    case .float32: return try transform(Float.self, p)
    case .float64: return try transform(Double.self, p)
    default: throw p.noKernel()
    }
  }

  private func transform<T: Real>(_: T.Type, _ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    let rank = x.shape.rank
    let at = try place(try Signal.number(p, 2), rank: rank)
    let taken = x.shape[at]
    let made = y.shape[at]
    let fromHalf = isInverse && isOneSided
    let count = try Signal.number(p, 1) ?? (fromHalf ? 2 * (taken - 1) : taken)
    try Signal.checkPositive(count, "the transform's length")
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let inner = x.shape.count(of: at + 1..<rank - 1)
    let lines = x.shape.count(of: 0..<at) * inner
    let plan = FourierPlan<T>(count)
    let (parts, width) = (x.shape[rank - 1], y.shape[rank - 1])
    // The inverse exchanges real and imaginary parts on the way in and out.
    let (re, im) = isInverse ? (1, 0) : (0, 1)
    let scale = isInverse ? 1 / T(count) : 1
    let used = min(taken, fromHalf ? count / 2 + 1 : count)
    let workers = max(1, min(p.options.threads, lines))
    let each = count + plan.scratchCount
    return Prepared(
      scratchBytes: workers * each * 2 * x.dtype.byteSize, label: "fft \(count)"
    ) { m in
      m.pool.run(workers) { worker in
        let pairs = m.scratch.assumingMemoryBound(to: ComplexPair<T>.self) + worker * each
        let line = UnsafeMutableRawPointer(pairs).assumingMemoryBound(to: T.self)
        for l in stride(from: worker, to: lines, by: workers) {
          let (outer, column) = (l / inner, l % inner)
          let source = m.input(0, T.self) + (outer * taken * inner + column) * parts
          for k in 0..<count {
            let number = source + k * inner * parts
            line[2 * k + re] = k < used ? number[0] : 0
            line[2 * k + im] = k < used && parts == 2 ? number[1] : 0
          }
          if fromHalf {
            line[im] = 0
            for k in 0..<used where k > 0 {
              if 2 * k == count { line[2 * k + im] = 0 }
              line[2 * (count - k) + re] = line[2 * k + re]
              line[2 * (count - k) + im] = 2 * k == count ? 0 : -line[2 * k + im]
            }
          }
          plan.run(pairs, scratch: pairs + count)
          if parts == 1 && !fromHalf { plan.makeHermitian(line, imaginary: im) }
          let target = m.output(0, T.self) + (outer * made * inner + column) * width
          for k in 0..<made {
            let number = target + k * inner * width
            number[0] = line[2 * k + re] * scale
            if width == 2 { number[1] = line[2 * k + im] * scale }
          }
        }
      }
    }
  }
}

extension DFT {
  /// The transform is linear: its transpose is the other direction's, up to a factor.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, up) = (try g.input(0), try g.upstream())
    let rank = try knownRank(b, x)
    var given: Int?
    if g.has(2) {
      given = b.fact(of: try g.input(2)).knownInts?.first
      if given == nil { throw EngineError(.notDifferentiable, "the axis is not known") }
    }
    let at = try place(given, rank: rank)
    let dims = b.fact(of: x).dims ?? []
    guard let taken = dims[at].known, let parts = dims[rank - 1].known,
      let made = b.fact(of: up).dims?[at].known
    else { throw EngineError(.notDifferentiable, "the length of the transform is not known") }
    var count = made
    if isOneSided && !isInverse {
      count = taken
      if g.has(1) {
        guard let n = b.fact(of: try g.input(1)).knownInts?.first else {
          throw EngineError(.notDifferentiable, "the length of the transform is not known")
        }
        count = n
      }
    }
    let axis = try b.constant(Tensor(scalar: Int64(at)))
    func transform(_ op: DFT, _ v: B.Value) throws(EngineError) -> B.Value {
      try b.apply(op, inputs: [v, nil, axis])
    }
    var result: B.Value
    if !isInverse {
      let whole = try fitted(b, up, axis: at, count)
      result = try times(b, transform(DFT(isInverse: true), whole), Double(count))
    } else if !isOneSided {
      result = try times(b, transform(DFT(), up), 1 / Double(count))
    } else {
      // All but the first and the middle value stand for two.
      let half = try transform(DFT(isOneSided: true), up)
      let weights = (0...count / 2).map { k in
        (k == 0 || 2 * k == count ? 1 : 2) / Double(count)
      }
      let shape = (0..<rank).map { $0 == at ? -1 : 1 }
      result = try times(
        b, half, reshape(b, cast(b, b.constant(Tensor(weights)), like: half), shape))
    }
    result = try fitted(b, result, axis: at, taken)
    g.give(0, parts == 1 ? try slice(b, result, axis: rank - 1, 0, 1) : result)
  }
}
