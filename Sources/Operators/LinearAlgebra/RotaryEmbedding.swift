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
public struct RotaryEmbedding: Operator {
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
