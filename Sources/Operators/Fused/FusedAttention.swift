import Graphs
import Kernels
import Tensors

/// Attention whose heads are read where a product left them: `softmax(Q K^T * scale + bias) V`.
///
/// - `Q`, `K`, `V`: float dtypes `[N, S, W]`, or `[S, N, W]` with `sequence_first`, or all of them
///   `[N, H, S, E]`; one tensor may stand for several. The other inputs are those of Attention.
/// - Attributes: those of Attention; `head_size` E and `v_head_size` (default E); `offsets`, where
///   the first head of Q, K and V starts in W; `strides`, elements from head to head; defaults: 0
///   and the head's size. `sequence_first`, default 0. `nan_rows`: whether a query of which a mask
///   hides every key gives NaN, as the softmax of nothing but -inf does; default 0, which
///   gives 0. Not beside `is_causal`.
/// - Outputs: `Y` `[N, S, Hq * Ev]`, `[S, N, Hq * Ev]` or `[N, Hq, S, Ev]`; the others as
///   Attention.
/// - Errors: `.attribute`; `.shape` for heads beyond W and for operands that do not fit.
/// - Edges, accuracy: as Attention.
/// - Source: domain ai.dlrun 1; Gather, Transpose and Attention of ONNX.
public struct FusedAttention: KernelComposite {
  public let options: Attention.Options
  /// Of Q, K and V.
  public let places: [HeadPlaces]
  public let isSequenceFirst: Bool
  public let givesNaN: Bool

  var queryHeads: Int { options.queryHeads ?? 1 }
  var keyHeads: Int { options.keyHeads ?? 1 }

  public static let schema = Schema(
    "FusedAttention", domain: Fused.domain, versions: [1],
    inputs: Attention.schema.inputs, outputs: Attention.schema.outputs,
    attributes: Attention.schema.attributes.map { AttributeSpec($0.name, $0.kind, $0.doc) } + [
      AttributeSpec("head_size", .int, "elements of a head of Q and K"),
      AttributeSpec("nan_rows", .int, "1: queries without keys give NaN; default 0"),
      AttributeSpec("offsets", .ints, "first element of Q, K and V in a row; default 0"),
      AttributeSpec("sequence_first", .int, "1: operands are [S, N, W]; default 0"),
      AttributeSpec("strides", .ints, "elements from head to head; default the head's size"),
      AttributeSpec("v_head_size", .int, "elements of a head of V; default head_size"),
    ],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape) throws -> Tensor {
        try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 7) % 13) * 0.2 - 1 })
      }
      let packed = try wave([2, 3, 12])
      var causal = Attention.Options()
      (causal.queryHeads, causal.keyHeads, causal.isCausal) = (2, 2, true)
      var plain = causal
      (plain.isCausal, plain.scale) = (false, 0.5)
      func places(_ list: (Int, Int)...) -> [HeadPlaces] {
        list.map { HeadPlaces(offset: $0.0, stride: $0.1, size: 2) }
      }
      return [
        .init(FusedAttention(causal, places((0, 2), (4, 2), (8, 2))), [packed, packed, packed]),
        .init(
          FusedAttention(plain, places((0, 6), (2, 6), (4, 6)), isSequenceFirst: true),
          [packed, packed, packed]),
        .init(
          FusedAttention(plain, places((0, 2), (0, 2), (0, 2)), givesNaN: true),
          [try wave([1, 2, 3, 2]), try wave([1, 2, 3, 2]), try wave([1, 2, 3, 2])]),
      ]
    })

  public init(
    _ options: Attention.Options, _ places: [HeadPlaces], isSequenceFirst: Bool = false,
    givesNaN: Bool = false
  ) {
    precondition(places.count == 3, "\(places.count) places for Q, K and V")
    self.options = options
    self.places = places
    self.isSequenceFirst = isSequenceFirst
    self.givesNaN = givesNaN
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    options = try Attention(reading: a).options
    isSequenceFirst = try a.bool("sequence_first", default: false)
    givesNaN = try a.bool("nan_rows", default: false)
    let size = try a.int("head_size")
    let valueSize = try a.int("v_head_size", default: size)
    let sizes = [size, size, valueSize]
    let offsets = try a.ints("offsets", default: [0, 0, 0])
    let strides = try a.ints("strides", default: sizes)
    guard !givesNaN || !options.isCausal else {
      throw EngineError(.attribute, "nan_rows and is_causal exclude each other")
    }
    guard options.queryHeads != nil, options.keyHeads != nil, offsets.count == 3,
      strides.count == 3, (offsets + strides + sizes).allSatisfy({ $0 >= 0 })
    else {
      throw EngineError(
        .attribute, "the places of the heads are not legal",
        expected: "numbers of heads, and three offsets and strides of 0 or more",
        received: "offsets \(offsets), strides \(strides), sizes \(sizes)")
    }
    places = (0..<3).map {
      HeadPlaces(offset: offsets[$0], stride: strides[$0], size: sizes[$0])
    }
  }

  public var attributes: [Attribute] {
    Attention(options).attributes + [
      .int("head_size", places[0].size), .bool("nan_rows", givesNaN),
      .ints("offsets", places.map(\.offset)),
      .bool("sequence_first", isSequenceFirst), .ints("strides", places.map(\.stride)),
      .int("v_head_size", places[2].size),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.has(4) == c.has(5) else {
      throw EngineError(.arity, "past_key and past_value come together")
    }
    let dtype = c.dtype(0)
    let rank = c.rank(0) ?? c.rank(1) ?? c.rank(2) ?? 3
    for i in 0..<3 {
      if let own = c.rank(i), own != rank || (rank != 3 && (rank != 4 || isSequenceFirst)) {
        throw EngineError(
          .shape, "an operand has the wrong rank", expected: "3, or 4 for all",
          received: "rank \(own)")
      }
    }
    if rank == 4 { return try Attention(options).infer(c) }
    guard let q = c.dims(0), let k = c.dims(1) else {
      return [Fact(dtype, nil), Fact(dtype, nil), Fact(c.dtype(2), nil), Fact(dtype, nil)]
    }
    let (n, s) = isSequenceFirst ? (1, 0) : (0, 1)
    var total = k[s]
    if c.has(4) {
      total = total + (c.dims(4).flatMap { $0.count == 4 ? $0[2] : nil } ?? c.unknown())
    }
    let (heads, keys) = (Dim(queryHeads), Dim(keyHeads))
    let width = heads * Dim(places[2].size)
    return [
      Fact(dtype, [q[0], q[1], width]), Fact(dtype, [k[n], keys, total, Dim(places[1].size)]),
      Fact(c.dtype(2), [k[n], keys, total, Dim(places[2].size)]),
      Fact(dtype, [q[n], heads, q[s], total]),
    ]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    if inputs[0]?.count == 4 {
      return Attention(options).multiplyAdds(inputs: inputs, outputs: outputs)
    }
    guard let q = inputs[0], let k = inputs[1], q.count == 3, k.count == 3 else { return nil }
    let (n, s) = isSequenceFirst ? (1, 0) : (0, 1)
    var keys = k[s]
    if inputs.count > 4, let past = inputs[4], past.count == 4 { keys = keys + past[2] }
    return q[n] * q[s] * keys * Dim(queryHeads) * Dim(places[1].size + places[2].size)
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    var list = inputs.array
    for i in 0..<3 {
      guard let x = list[i] else { throw EngineError(.arity, "an input is missing") }
      if b.fact(of: x).rank == 4 { continue }
      let at = places[i]
      let heads = i == 0 ? queryHeads : keyHeads
      let indices = (0..<heads).flatMap { h in
        (0..<at.size).map { Int64(at.offset + h * at.stride + $0) }
      }
      var y = try b.apply(Gather(axis: 2), x, b.constant(Tensor(indices)))
      if isSequenceFirst { y = try b.apply(Transpose(perm: [1, 0, 2]), y) }
      list[i] = y
    }
    var results = try b.apply(Attention(options), inputs: list, outputs: outputs).array
    if isSequenceFirst { results[0] = try b.apply(Transpose(perm: [1, 0, 2]), results[0]) }
    if givesNaN, let mask = inputs.count > 3 ? inputs[3] : nil {
      results[0] = try spoiled(b, results[0], mask)
    }
    return Few(results)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p, mixed: true) { return half }
    return try AttentionPlan(options, p, self).prepared()
  }
}
