import Graphs
import Kernels
import Tensors

/// Brings elements between two bounds: `output = min(max, max(min, input))`.
///
/// - `input`: float16, bfloat16, float32, float64, int8 to int64, uint8 to uint64, any shape.
///   `min`, `max`: optional, of that type, one element each; by default the lowest and the largest
///   finite number, so that infinities are cut too.
/// - Before opset 11 the bounds are the attributes `min` and `max` instead, and are kept as such.
///   From opset 6 their defaults are the limits of float32 whatever the input's type.
/// - Errors: `.shape` for a bound of several elements, `.dtype` for other or differing types.
/// - Edges: NaN stays; `max` where `min > max`.
/// - Gradient: `dY` where the input lies between the bounds, bounds included; a bound's: the sum of
///   `dY` where it is the result.
/// - Source: ONNX Clip 1, 6, 11, 12, 13.
public struct Clip: Operator {
  /// Bounds of the attribute form; nil where absent or inputs.
  public let lower: Float?
  public let upper: Float?

  public static let schema = Schema(
    "Clip", versions: [1, 6, 11, 12, 13],
    inputs: [
      Parameter("input", .numeric), .optional("min", .numeric), .optional("max", .numeric),
    ],
    outputs: [Parameter("output", .numeric)],
    attributes: [
      AttributeSpec("min", .float, "lower bound, before opset 11 only", before: 11),
      AttributeSpec("max", .float, "upper bound, before opset 11 only", before: 11),
      .consumedInputs,
    ],
    inputCounts: [1: 1...1, 11: 1...3],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let (low, high) = (try Tensor(scalar: Float(-1)), try Tensor(scalar: Float(0.75)))
      return [
        .init(Clip(), [x, low, high]), .init(Clip(), [x, nil, high]), .init(Clip(), [x, low]),
        .init(Clip(), [x]), .init(Clip(lower: -1, upper: 1), [x]),
      ]
    })

  public init(lower: Float? = nil, upper: Float? = nil) {
    self.lower = lower
    self.upper = upper
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    // Opsets 6 to 10 have the limits of float32 as defaults: infinities become these.
    let limit: Float? = (6..<11).contains(a.opset) ? .greatestFiniteMagnitude : nil
    lower = a.has("min") ? try a.float("min") : limit.map { -$0 }
    upper = a.has("max") ? try a.float("max") : limit
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if let lower { list.append(.float("min", lower)) }
    if let upper { list.append(.float("max", upper)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for i in 1...2 where c.has(i) {
      try checkSameDType(c.dtype(0), c.dtype(i))
      if let dims = c.dims(i), let n = dims.reduce(1, *).known, n != 1 {
        throw EngineError(
          .shape, "bound \(i == 1 ? "min" : "max") is not one number", expected: "a scalar",
          received: "\(dims)")
      }
    }
    return [Fact(.tensor(c.dtype(0), c.dims(0)), elements: elements(c))]
  }

  private func elements(_ c: Inference) -> [Dim]? {
    guard var x = c.elements(0), lower == nil, upper == nil else { return nil }
    if c.has(1) {
      guard let low = c.elements(1)?.first else { return nil }
      x = x.map { Dim.max($0, low) }
    }
    if c.has(2) {
      guard let high = c.elements(2)?.first else { return nil }
      x = x.map { Dim.min($0, high) }
    }
    return x
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    for i in 1...2 where p.has(i) {
      let bound = try p.input(i)
      try checkSameDType(x.dtype, bound.dtype)
      guard bound.count == 1 else {
        throw EngineError(
          .shape, "a bound is not one number", expected: "a scalar", received: "\(bound.shape)")
      }
    }
    guard let raise = BinaryKernel(.max, x.dtype), let cut = BinaryKernel(.min, x.dtype) else {
      throw p.noKernel()
    }
    let (count, bytes) = (x.count, x.dtype.byteSize)
    // Bounds of the attribute form, as elements.
    var fixed: [Tensor?] = [nil, nil]
    if let lower { fixed[0] = try number(Double(lower), x.dtype) }
    if let upper { fixed[1] = try number(Double(upper), x.dtype) }
    if let largest = Self.largest(x.dtype) {
      if fixed[0] == nil && !p.has(1) { fixed[0] = try number(-largest, x.dtype) }
      if fixed[1] == nil && !p.has(2) { fixed[1] = try number(largest, x.dtype) }
    }
    let (low, high) = (fixed[0], fixed[1])
    let (hasLow, hasHigh) = (low != nil || p.has(1), high != nil || p.has(2))
    let both = hasLow && hasHigh ? ClipKernel(x.dtype) : nil
    // Both passes over a tile while it is in the first cache.
    let tile = 4096
    return Prepared(inPlace: 1, label: "clip \(x.dtype)") { m in
      let from = m.inputs[0], to = m.outputs[0]
      nonisolated(unsafe) let (source, target) = (from, to)
      nonisolated(unsafe) let lowest = low?.storage.bytes ?? (hasLow ? m.inputs[1] : from)
      nonisolated(unsafe) let highest = high?.storage.bytes ?? (hasHigh ? m.inputs[2] : from)
      let atOnce = both.flatMap { $0.accepts(lowest) && $0.accepts(highest) ? $0 : nil }
      m.pool.run((count + tile - 1) / tile) { i in
        let n = min(tile, count - i * tile)
        let s = source + i * tile * bytes, t = target + i * tile * bytes
        if let atOnce { return atOnce.run(count: n, s, low: lowest, high: highest, t) }
        if hasLow { raise.run(count: n, s, scalar: lowest, t) }
        if hasHigh { cut.run(count: n, hasLow ? t : s, scalar: highest, t) }
        if !hasLow && !hasHigh { t.copyMemory(from: s, byteCount: n * bytes) }
      }
    }
  }

  /// The largest finite float of a type; nil for integers, which need no default bounds.
  private static func largest(_ dtype: DType) -> Double? {
    switch dtype {
    case .float32: Double(Float.greatestFiniteMagnitude)
    case .float64: Double.greatestFiniteMagnitude
    case .float16: 65504
    case .bfloat16: 0x1.FEp127
    default: nil
    }
  }

  private func number(_ value: Double, _ dtype: DType) throws(EngineError) -> Tensor {
    let one = try Tensor(scalar: value)
    guard let cast = CastKernel(.float64, dtype) else {
      throw EngineError(.dtype, "no kernel", received: "\(dtype)")
    }
    return try Tensor(TensorType(dtype, [])) { (bytes) throws(EngineError) in
      if let base = bytes.baseAddress { cast.run(count: 1, one.storage.bytes, base) }
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    var dx = try g.upstream()
    try boundGradients(b, &g)
    if g.has(1) || lower != nil {
      let bound = try g.has(1) ? g.input(1) : scalar(b, Double(lower ?? 0), like: x)
      dx = try masked(b, dx, where: b.apply(GreaterOrEqual(), x, bound))
    }
    if g.has(2) || upper != nil {
      let bound = try g.has(2) ? g.input(2) : scalar(b, Double(upper ?? 0), like: x)
      dx = try masked(b, dx, where: b.apply(LessOrEqual(), x, bound))
    }
    g.give(0, dx)
  }
}

extension Clip {
  fileprivate func boundGradients<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, dy) = (try g.input(0), try g.upstream())
    let raised = try g.has(1) ? b.apply(Max(), inputs: [x, try g.input(1)]) : x
    func total(_ mask: B.Value, _ like: B.Value) throws(EngineError) -> B.Value {
      let all = Array(0..<(try knownRank(b, dy)))
      return try reshape(b, sum(b, masked(b, dy, where: mask), all, keepDims: false), like: like)
    }
    var isLower: B.Value?
    if g.has(1) { isLower = try b.apply(Less(), x, g.input(1)) }
    if g.has(2) {
      let isUpper = try b.apply(Greater(), raised, g.input(2))
      if g.needs(2) { g.give(2, try total(isUpper, g.input(2))) }
      if let mask = isLower { isLower = try b.apply(And(), mask, b.apply(Not(), isUpper)) }
    }
    if g.needs(1), let isLower { g.give(1, try total(isLower, g.input(1))) }
  }
}
