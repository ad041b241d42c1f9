import Graphs
import Kernels
import Tensors

/// Vectors turned by angles that grow with their position: of each pair `(a, b)`,
/// `(cos a - sin b, sin a + cos b)`.
///
/// - `X`: float32, float16 or bfloat16, `[N, H, S, E]`, or `[N, S, H * E]` with `num_heads`.
///   `cos_cache`, `sin_cache`: `[P, R/2]` with `position_ids` int64 `[N, S]`, else `[N, S, R/2]`.
/// - Attributes: `interleaved` 1: pairs are neighbours; default 0: element j and `j + R/2`.
///   `rotary_embedding_dim` R: the first R elements turn, default 0 for all. `num_heads`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.value` for a position outside
///   the cache, when running.
/// - Source: ONNX RotaryEmbedding 23.
public struct RotaryEmbedding: FormulaGradient {
  public let isInterleaved: Bool
  public let turned: Int
  public let heads: Int?

  static let types = DTypes(.float32, .float16, .bfloat16)
  public static let schema = Schema(
    "RotaryEmbedding", versions: [23],
    inputs: [
      Parameter("X", types), Parameter("cos_cache", types), Parameter("sin_cache", types),
      .optional("position_ids", .int64, "M"),
    ],
    outputs: [Parameter("Y", types)],
    attributes: [
      AttributeSpec("interleaved", .int, "1: pairs are neighbours; default 0: halves"),
      AttributeSpec("num_heads", .int, "heads, for an input of rank 3"),
      AttributeSpec("rotary_embedding_dim", .int, "how many elements turn; default 0: all"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 2, 4], (0..<16).map { Float(($0 * 5) % 16) * 0.3 - 2 })
      let cos = try Tensor(shape: [3, 2], [1, 0.9, 0.5, 0.1, -0.4, -0.8] as [Float])
      let sin = try Tensor(shape: [3, 2], [0, 0.4, 0.8, 0.99, 0.9, 0.6] as [Float])
      let ids = try Tensor(shape: [1, 2], [2, 1] as [Int64])
      return [
        .init(RotaryEmbedding(), [x, cos, sin, ids]),
        .init(RotaryEmbedding(isInterleaved: true), [x, cos, sin, ids]),
      ]
    })

  public init(isInterleaved: Bool = false, turned: Int = 0, heads: Int? = nil) {
    self.isInterleaved = isInterleaved
    self.turned = turned
    self.heads = heads
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    isInterleaved = try a.bool("interleaved", default: false)
    turned = try a.int("rotary_embedding_dim", default: 0)
    heads = try a.optionalInt("num_heads")
    guard turned >= 0, turned % 2 == 0 else {
      throw EngineError(
        .attribute, "attribute 'rotary_embedding_dim' is out of range",
        expected: "an even number, 0 or more", received: "\(turned)")
    }
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if isInterleaved { list.append(.bool("interleaved", true)) }
    if let heads { list.append(.int("num_heads", heads)) }
    if turned != 0 { list.append(.int("rotary_embedding_dim", turned)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count != 3 && x.count != 4 {
      throw EngineError(.shape, "X has the wrong rank", expected: "3 or 4", received: "\(x)")
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try commonReal(p, 0..<3)
    let (x, layout) = try AttentionPlan.split(p.input(0).shape, heads, "X")
    let size = x[3]
    let turned = self.turned == 0 ? size : self.turned
    guard turned % 2 == 0, turned <= size else {
      throw EngineError(
        .shape, "the turned part of X is odd or exceeds the head", expected: "at most \(size)",
        received: "\(turned)")
    }
    let cos = try p.input(1).shape
    let hasIDs = p.has(3)
    let fits =
      hasIDs
      ? cos.rank == 2 && cos[1] == turned / 2
      : cos.array == [x[0], x[2], turned / 2]
    guard fits, try p.input(2).shape == cos else {
      throw EngineError(
        .shape, "the caches do not fit",
        expected: hasIDs ? "[P, \(turned / 2)]" : "[\(x[0]), \(x[2]), \(turned / 2)]",
        received: "\(cos) and \(try p.input(2).shape)")
    }
    if hasIDs, try p.input(3).shape.array != [x[0], x[2]] {
      throw EngineError(
        .shape, "position_ids do not fit", expected: "[\(x[0]), \(x[2])]",
        received: "\(try p.input(3).shape)")
    }
    let kernel = RotaryKernel(
      batch: x[0], length: x[2], heads: x[1], size: size, turned: turned,
      isInterleaved: isInterleaved, layout: layout)
    let rows = cos[0]
    return Prepared(label: "rotary") { (m) throws(EngineError) in
      try kernel.run(
        dtype, m.inputs[0], cos: m.inputs[1], sin: m.inputs[2],
        positions: hasIDs ? m.input(3) : nil, rows: rows, into: m.outputs[0], pool: m.pool)
    }
  }
}

extension RotaryEmbedding {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let cosines = inputs[1], let sines = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    let isFlat = try knownRank(b, x) == 3
    let split = try isFlat ? headsApart(b, x, heads) : x
    guard let size = b.fact(of: split).dims?[3].known else {
      throw EngineError(.notDifferentiable, "the size of a head is not known")
    }
    let ids = inputs.count > 3 ? inputs[3] : nil
    func angles(_ cache: B.Value) throws(EngineError) -> B.Value {
      let rows = if let ids { try b.apply(Gather(), cache, ids) } else { cache }
      return try b.apply(Unsqueeze(axes: [1]), rows)
    }
    let y = try rotated(
      b, split, cos: angles(cosines), sin: angles(sines), size: size,
      turned: turned == 0 ? size : turned, isInterleaved: isInterleaved)
    return Few(try isFlat ? headsTogether(b, y) : y)
  }
}

/// `[N, S, H * E]` as `[N, H, S, E]`.
func headsApart<B: Builder>(
  _ b: B, _ x: B.Value, _ heads: Int?
) throws(EngineError) -> B.Value {
  guard let heads else {
    throw EngineError(.attribute, "an input of rank 3 needs a number of heads")
  }
  return try b.apply(Transpose(perm: [0, 2, 1, 3]), reshape(b, x, [0, 0, heads, -1]))
}

/// `[N, H, S, E]` as `[N, S, H * E]`.
func headsTogether<B: Builder>(_ b: B, _ x: B.Value) throws(EngineError) -> B.Value {
  try reshape(b, b.apply(Transpose(perm: [0, 2, 1, 3]), x), [0, 0, -1])
}

/// The first `turned` elements of the last axis of `x` `[N, H, S, E]` turned by the angles whose
/// cosines and sines are `[..., S, turned / 2]`.
func rotated<B: Builder>(
  _ b: B, _ x: B.Value, cos: B.Value, sin: B.Value, size: Int, turned: Int, isInterleaved: Bool
) throws(EngineError) -> B.Value {
  let part = try turned == size ? x : slice(b, x, axis: 3, 0, turned)
  var (first, second): (B.Value, B.Value)
  if isInterleaved {
    let pairs = try reshape(b, part, [0, 0, 0, -1, 2])
    first = try b.apply(Squeeze(axes: [4]), slice(b, pairs, axis: 4, 0, 1))
    second = try b.apply(Squeeze(axes: [4]), slice(b, pairs, axis: 4, 1, 2))
  } else {
    first = try slice(b, part, axis: 3, 0, turned / 2)
    second = try slice(b, part, axis: 3, turned / 2, turned)
  }
  let ahead = try minus(b, times(b, first, cos), times(b, second, sin))
  let behind = try plus(b, times(b, first, sin), times(b, second, cos))
  var result: B.Value
  if isInterleaved {
    let pair = [
      try b.apply(Unsqueeze(axes: [4]), ahead), try b.apply(Unsqueeze(axes: [4]), behind),
    ]
    result = try reshape(b, b.apply(Concat(axis: 4), inputs: pair), [0, 0, 0, -1])
  } else {
    result = try b.apply(Concat(axis: 3), inputs: [ahead, behind])
  }
  if turned == size { return result }
  return try b.apply(Concat(axis: 3), inputs: [result, try slice(b, x, axis: 3, turned, size)])
}
