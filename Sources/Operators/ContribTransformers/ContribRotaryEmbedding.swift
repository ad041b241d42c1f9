import Graphs
import Kernels
import Tensors

/// Vectors turned by angles that grow with their position: of each pair `(a, b)`,
/// `(cos a - sin b, sin a + cos b)`.
///
/// - `input`: float16, bfloat16 or float32, `[N, S, H * E]` or `[N, H, S, E]`; `position_ids`:
///   int64 `[N, S]`, or `[1]`: the position of each sequence's first token; `cos_cache`,
///   `sin_cache`: `[P, R / 2]`.
/// - Attributes: `interleaved` 1: pairs are neighbours, default 0: element j and `j + R / 2`;
///   `rotary_embedding_dim` R: the first R elements of a head turn, default 0 for all of `E = R`;
///   `num_heads` H, needed with R for rank 3. `scale` and `is_packed_batching` are kept, without
///   effect, as on ONNX Runtime's CPU.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.value` for a position outside
///   the cache, when running.
/// - Source: ONNX Runtime's RotaryEmbedding of domain com.microsoft, version 1.
public struct ContribRotaryEmbedding: FormulaGradient {
  public struct Options: Hashable, Sendable {
    public var isInterleaved = false
    public var turned = 0
    public var heads = 0
    public var scale: Float = 1
    public var isPacked = false
    public init() {}
  }
  public let options: Options

  static let types = DTypes(.float32, .float16, .bfloat16)
  public static let schema = Schema(
    "RotaryEmbedding", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input", types), Parameter("position_ids", .int64, "M"),
      Parameter("cos_cache", types), Parameter("sin_cache", types),
    ],
    outputs: [Parameter("output", types)],
    attributes: [
      AttributeSpec("interleaved", .int, "1: pairs are neighbours; default 0: halves"),
      AttributeSpec("is_packed_batching", .int, "1: ragged batches; default 0"),
      AttributeSpec("num_heads", .int, "heads; default 0: as the caches tell"),
      AttributeSpec("rotary_embedding_dim", .int, "how many elements turn; default 0: all"),
      AttributeSpec("scale", .float, "kept; default 1"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 8], (0..<16).map { Float(($0 * 5) % 16) * 0.3 - 2 })
      let cos = try Tensor(shape: [3, 2], [1, 0.9, 0.5, 0.1, -0.4, -0.8] as [Float])
      let sin = try Tensor(shape: [3, 2], [0, 0.4, 0.8, 0.99, 0.9, 0.6] as [Float])
      var interleaved = Options()
      interleaved.isInterleaved = true
      return [
        .init(
          ContribRotaryEmbedding(), [x, try Tensor(shape: [1, 2], [2, 1] as [Int64]), cos, sin]),
        .init(
          ContribRotaryEmbedding(interleaved), [x, try Tensor([1] as [Int64]), cos, sin]),
      ]
    })

  public init(_ options: Options = Options()) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    var o = Options()
    o.isInterleaved = try a.bool("interleaved", default: false)
    o.turned = try a.int("rotary_embedding_dim", default: 0)
    o.heads = try a.int("num_heads", default: 0)
    o.scale = try a.float("scale", default: 1)
    o.isPacked = try a.bool("is_packed_batching", default: false)
    for (name, value) in [("rotary_embedding_dim", o.turned), ("num_heads", o.heads)]
    where value < 0 || value > Int(Int32.max) {
      throw EngineError(
        .attribute, "attribute '\(name)' is out of range", expected: "0 or more",
        received: "\(value)")
    }
    guard o.turned == 0 || o.heads > 0 else {
      throw EngineError(.attribute, "'rotary_embedding_dim' needs 'num_heads'")
    }
    options = o
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if options.isInterleaved { list.append(.bool("interleaved", true)) }
    if options.isPacked { list.append(.bool("is_packed_batching", true)) }
    if options.heads != 0 { list.append(.int("num_heads", options.heads)) }
    if options.turned != 0 { list.append(.int("rotary_embedding_dim", options.turned)) }
    if options.scale != 1 { list.append(.float("scale", options.scale)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count != 3 && x.count != 4 {
      throw EngineError(.shape, "input has the wrong rank", expected: "3 or 4", received: "\(x)")
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    for i in [0, 2, 3] {
      guard try p.input(i).dtype == .float32 else { throw p.noKernel() }
    }
    let shape = try p.input(0).shape
    let cos = try p.input(2).shape
    guard cos.rank == 2, try p.input(3).shape == cos else {
      throw EngineError(
        .shape, "the caches do not fit", expected: "two of one shape [P, R / 2]",
        received: "\(cos) and \(try p.input(3).shape)")
    }
    let turned = options.turned == 0 ? 2 * cos[1] : options.turned
    var heads = options.heads
    if shape.rank == 3, options.turned == 0 {
      // Without a partial turn the caches tell the size of a head.
      guard turned > 0, shape[2] % turned == 0 else {
        throw EngineError(
          .shape, "the input does not divide into heads", expected: "a multiple of \(turned)",
          received: "\(shape)")
      }
      heads = shape[2] / turned
    }
    let (x, layout) = try AttentionPlan.split(shape, heads, "input")
    guard cos[1] * 2 == turned, turned <= x[3] else {
      throw EngineError(
        .shape, "the caches do not fit the heads",
        expected: "[P, \(turned / 2)], at most \(x[3] / 2) columns", received: "\(cos)")
    }
    let ids = try p.input(1).shape
    let isFirst = ids.array == [1] || ids.array == []
    guard isFirst || ids.array == [x[0], x[2]] else {
      throw EngineError(
        .shape, "position_ids do not fit", expected: "[1] or [\(x[0]), \(x[2])]",
        received: "\(ids)")
    }
    let kernel = RotaryKernel(
      batch: x[0], length: x[2], heads: x[1], size: x[3], turned: turned,
      isInterleaved: options.isInterleaved, layout: layout)
    let (rows, tokens, length) = (cos[0], x[0] * x[2], x[2])
    return Prepared(scratchBytes: isFirst ? tokens * 8 : 0, label: "rotary") {
      (m) throws(EngineError) in
      var positions = m.input(1, Int64.self)
      if isFirst {
        let made = m.scratch.assumingMemoryBound(to: Int64.self)
        for i in 0..<tokens { made[i] = positions[0] &+ Int64(i % length) }
        positions = UnsafePointer(made)
      }
      try kernel.run(
        .float32, m.inputs[0], cos: m.inputs[2], sin: m.inputs[3], positions: positions,
        rows: rows, into: m.outputs[0], pool: m.pool)
    }
  }
}

extension ContribRotaryEmbedding {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let ids = inputs[1], let cosines = inputs[2], let sines = inputs[3]
    else { throw EngineError(.arity, "an input is missing") }
    guard let dims = b.fact(of: x).dims, let half = b.fact(of: cosines).dims?[1].known,
      let last = dims[dims.count - 1].known, half > 0
    else { throw EngineError(.notDifferentiable, "the sizes of the heads are not known") }
    let isFlat = dims.count == 3
    let turned = options.turned == 0 ? 2 * half : options.turned
    let heads = isFlat ? (options.heads > 0 ? options.heads : last / turned) : 0
    let split = try isFlat ? headsApart(b, x, heads) : x
    var rows = ids
    if try knownRank(b, ids) == 1 {
      // The first token's position; the others follow.
      rows = try reshape(b, plus(b, ids, places(b, split, axis: 2)), [1, -1])
    }
    func angles(_ cache: B.Value) throws(EngineError) -> B.Value {
      try b.apply(Unsqueeze(axes: [1]), b.apply(Gather(), cache, rows))
    }
    let y = try rotated(
      b, split, cos: angles(cosines), sin: angles(sines), size: isFlat ? last / heads : last,
      turned: turned, isInterleaved: options.isInterleaved)
    return Few(try isFlat ? headsTogether(b, y) : y)
  }
}
