import Graphs
import Kernels
import Tensors

/// A cache with rows written over: `present[b, ..., write_indices[b] + s, ...] = update[b, ..., s,
/// ...]` along `axis`.
///
/// - `past_cache`: every dtype, rank 2 or more; `update`: the same but at most as long along `axis`;
///   `write_indices` (optional): int64 `[B]`, default zeros.
/// - `axis`: default -2, not the first. `mode`: linear (default) or circular, where places wrap
///   around the end.
/// - Errors: `.shape` for sizes that do not fit, `.attribute` for an axis out of range, `.value` for
///   a place outside of the cache.
/// - Source: ONNX TensorScatter 24.
public struct TensorScatter: Operator {
  public let axis: Int
  public let isCircular: Bool

  static let types: DTypes = [Expand.types, .float8s, .packed]

  public static let schema = Schema(
    "TensorScatter", versions: [24],
    inputs: [
      Parameter("past_cache", types), Parameter("update", types),
      .optional("write_indices", .int64, ""),
    ],
    outputs: [Parameter("present_cache", types)],
    attributes: [
      AttributeSpec("axis", .int, "the axis written along, not the first; default -2"),
      AttributeSpec("mode", .string, "linear (default) or circular"),
    ],
    isDifferentiable: true,
    cases: {
      let cache = try Tensor(shape: [2, 4, 2], (1...16).map { Float($0) })
      let update = try Tensor(shape: [2, 2, 2], (0..<8).map { Float(50 + $0) })
      let at = try Tensor([1, 2] as [Int64])
      return [
        .init(TensorScatter(), [cache, update, nil]),
        .init(TensorScatter(), [cache, update, at]),
        .init(
          TensorScatter(axis: 1, isCircular: true), [cache, update, try Tensor([3, 6] as [Int64])]),
      ]
    })

  public init(axis: Int = -2, isCircular: Bool = false) {
    self.axis = axis
    self.isCircular = isCircular
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: -2)
    isCircular =
      try a.string("mode", default: "linear", oneOf: ["linear", "circular"]) == "circular"
  }
  public var attributes: [Attribute] {
    [.int("axis", axis), .string("mode", isCircular ? "circular" : "linear")]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(0), c.dtype(1))
    let facts = [Fact(c.dtype(0) ?? c.dtype(1), c.dims(0))]
    guard let x = c.dims(0) else { return facts }
    let at = try normalisedAxis(axis, rank: x.count)
    guard at > 0 else {
      throw EngineError(
        .attribute, "axis names the batch", expected: "1 to \(x.count - 1)", received: "\(axis)")
    }
    if let update = c.dims(1) {
      let fits = zip(x, update).enumerated().allSatisfy { (i, pair) in
        guard let n = pair.0.known, let m = pair.1.known else { return true }
        return i == at ? m <= n : m == n
      }
      guard update.count == x.count, fits else {
        throw EngineError(
          .shape, "update does not fit the cache", expected: "\(x), at most, along axis \(at)",
          received: "\(update)")
      }
    }
    if let indices = c.dims(2) {
      let n = indices.first?.known, batch = x[0].known
      guard indices.count == 1, n == nil || batch == nil || n == batch else {
        throw EngineError(
          .shape, "write_indices does not fit the batch", expected: "[\(x[0])]",
          received: "\(indices)")
      }
    }
    return facts
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, update) = (try p.input(0), try p.input(1))
    if x.dtype.bits < 8 { return .dynamic }
    let at = try normalisedAxis(axis, rank: x.shape.rank)
    let batch = x.shape[0]
    let perSample = x.shape.count(of: 1..<at)
    let (n, length) = (x.shape[at], update.shape[at])
    let row = x.shape.count(of: at + 1..<x.shape.rank) * x.dtype.byteSize
    let bytes = x.byteCount
    let (isCircular, hasIndices) = (isCircular, p.has(2))
    return Prepared(label: "tensor scatter") { (m) throws(EngineError) in
      let y = m.outputs[0]
      if y != m.inputs[0] { y.copyMemory(from: m.inputs[0], byteCount: bytes) }
      for b in 0..<batch {
        var first = hasIndices ? Int(m.input(2, Int64.self)[b]) : 0
        if isCircular, n > 0 {
          first = (first % n + n) % n
        } else if length > 0, first < 0 || first > n - length {
          throw EngineError(
            .value, "write index \(b) is out of range", expected: "0 to \(n - length)",
            received: "\(first)")
        }
        for outer in 0..<perSample {
          let target = y + (b * perSample + outer) * n * row
          let source = m.inputs[1] + (b * perSample + outer) * length * row
          // What runs over the end goes on at the beginning.
          let straight = min(length, n - first)
          (target + first * row).copyMemory(from: source, byteCount: straight * row)
          target.copyMemory(
            from: source + straight * row, byteCount: (length - straight) * row)
        }
      }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e, data: [0, 1])
  }
}

extension TensorScatter {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (cache, update, up) = (try g.input(0), try g.input(1), try g.upstream())
    let at = g.has(2) ? try g.input(2) : nil as B.Value?
    if g.needs(0) {
      g.give(0, try b.apply(self, inputs: [up, try zeros(b, like: update), at]))
    }
    guard g.needs(1) else { return }
    // The operator itself moves the places of the cache, and says where the update went.
    guard let type = b.fact(of: update).tensorType else {
      throw EngineError(.notDifferentiable, "the sizes of an update are not known")
    }
    let count = type.count
    let none = try b.apply(
      ConstantOfShape(try Tensor([Int64(count)])), b.apply(ShapeOp(), cache))
    let marks = try b.constant(
      Tensor(shape: type.shape, (0..<count).map { Int64($0) }))
    let moved = try reshape(b, b.apply(self, inputs: [none, marks, at]), [-1])
    let room = try zeros(b, TensorType(type.dtype, [count + 1]))
    let sum = try b.apply(ScatterElements(reduction: .add), room, moved, reshape(b, up, [-1]))
    let (zero, end) = (
      try b.constant(Tensor([0] as [Int64])), try b.constant(Tensor([Int64(count)]))
    )
    g.give(1, try reshape(b, b.apply(Slice(), sum, zero, end), like: update))
  }
}
