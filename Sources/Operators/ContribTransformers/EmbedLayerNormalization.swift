import Graphs
import Kernels
import Tensors

/// The embedding of BERT: rows of three tables added, then brought to zero mean and unit variance.
///
/// - `input_ids`, `segment_ids` (optional): int32 `[N, S]`; `word_embedding`, `position_embedding`,
///   `segment_embedding` (optional, with the ids): float16 or float32 `[rows, D]`; `gamma`, `beta`:
///   `[D]`; `mask` (optional): int32 `[N, S]`; `position_ids` (optional): int32 `[N, S]` or
///   `[1, S]`, by default 0, 1, 2...
/// - Attributes: `epsilon` default 1e-12; `mask_index_type` is kept, without effect.
/// - Outputs: `output` `[N, S, D]`; `mask_index` int32 `[N]`: how many of the mask's elements are
///   1, 0 without a mask; `embedding_sum`: what is normalised.
/// - Errors: `.shape` for operands that do not fit; `.arity` for half of the segments; `.value` for
///   an id that its table lacks, when running.
/// - Source: ONNX Runtime's EmbedLayerNormalization of domain com.microsoft, version 1.
public struct EmbedLayerNormalization: FormulaGradient {
  public let epsilon: Float
  public let maskIndexType: Int?

  static let types = DTypes(.float32, .float16)
  static let ids = DTypes(.int32)
  public static let schema = Schema(
    "EmbedLayerNormalization", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("input_ids", ids, "T1"), .optional("segment_ids", ids, "T1"),
      Parameter("word_embedding", types), Parameter("position_embedding", types),
      .optional("segment_embedding", types), Parameter("gamma", types), Parameter("beta", types),
      .optional("mask", ids, "T1"), .optional("position_ids", ids, "T1"),
    ],
    outputs: [
      Parameter("output", types), .optional("mask_index", ids, "T1"),
      .optional("embedding_sum", types),
    ],
    attributes: [
      SkipNorm.epsilonSpec, AttributeSpec("mask_index_type", .int, "0: none, 1: one a sequence"),
    ],
    isDifferentiable: true,
    cases: {
      let ids = try Tensor(shape: [2, 2], [1, 0, 2, 1] as [Int32])
      let word = try Tensor(shape: [3, 4], (0..<12).map { Float(($0 * 5) % 12) * 0.4 - 1 })
      let place = try Tensor(shape: [2, 4], (0..<8).map { Float(($0 * 3) % 8) * 0.3 - 1 })
      let gain = try Tensor([1, 0.5, 2, -1] as [Float])
      let segments = try Tensor(shape: [2, 2], [0, 1, 1, 0] as [Int32])
      return [
        .init(EmbedLayerNormalization(), [ids, nil, word, place, nil, gain, gain]),
        .init(
          EmbedLayerNormalization(epsilon: 1e-3),
          [ids, segments, word, place, place, gain, gain, segments], outputCount: 3),
      ]
    })

  public init(epsilon: Float = 1e-12, maskIndexType: Int? = nil) {
    self.epsilon = epsilon
    self.maskIndexType = maskIndexType
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    epsilon = try SkipNorm.readEpsilon(a)
    maskIndexType = try a.optionalInt("mask_index_type")
  }
  public var attributes: [Attribute] {
    [.float("epsilon", epsilon)] + (maskIndexType.map { [.int("mask_index_type", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.has(1) == c.has(4) else {
      throw EngineError(.arity, "segment_ids and segment_embedding come together")
    }
    let size = c.dims(2).flatMap { $0.count == 2 ? $0[1] : nil }
    func expect(_ i: Int, _ name: String, _ want: [Dim?]) throws(EngineError) {
      guard let got = c.dims(i) else { return }
      let fits = zip(got, want).allSatisfy { $0.known == nil || $1?.known == nil || $0 == $1 }
      guard got.count == want.count, fits else {
        throw EngineError(
          .shape, "\(name) does not fit",
          expected: "[" + want.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ") + "]",
          received: "\(got)")
      }
    }
    try expect(0, "input_ids", [nil, nil])
    for (i, name) in [(2, "word_embedding"), (3, "position_embedding"), (4, "segment_embedding")] {
      try expect(i, name, [nil, size])
    }
    try expect(5, "gamma", [size])
    try expect(6, "beta", [size])
    let ids = c.dims(0)
    if let ids {
      try expect(1, "segment_ids", ids)
      try expect(7, "mask", ids)
      let shares = c.dims(8)?.first?.known == 1
      try expect(8, "position_ids", [shares ? 1 : ids[0], ids[1]])
    }
    let y = ids.map { $0 + [size ?? c.unknown()] }
    return [
      Fact(c.dtype(2), y), Fact(.int32, ids.map { [$0[0]] }), Fact(c.dtype(2), y),
    ]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    for i in 2...6 where p.has(i) {
      guard try p.input(i).dtype == .float32 else { throw p.noKernel() }
    }
    let (batch, length) = (try p.input(0).shape[0], try p.input(0).shape[1])
    let n = try p.input(2).shape[1]
    let hasSegments = p.has(1)
    let hasPlaces = p.has(8)
    let hasMask = p.has(7)
    let places = try p.input(3).shape[0]
    if !hasPlaces, length > places {
      throw EngineError(
        .shape, "position_embedding has too few rows", expected: "at least \(length)",
        received: "\(places)")
    }
    let placeRows = hasPlaces ? try p.input(8).shape[0] : 0
    let kernel = EmbedNormalize(
      batch: batch, length: length, n: n, words: try p.input(2).shape[0], places: places,
      segments: hasSegments ? try p.input(4).shape[0] : 0,
      placeStride: placeRows == batch ? length : 0,
      epsilon: epsilon)
    let (wantsMask, wantsSum) = (p.wants(1), p.wants(2))
    let wantsY = p.wants(0)
    return Prepared(scratchBytes: wantsY ? 0 : batch * length * n * 4, label: "embed norm") {
      (m) throws(EngineError) in
      try kernel.run(
        .init(
          ids: m.input(0), segmentIDs: hasSegments ? m.input(1) : nil,
          placeIDs: hasPlaces ? m.input(8) : nil, word: m.input(2), place: m.input(3),
          segment: hasSegments ? m.input(4) : nil, gain: m.input(5), shift: m.input(6),
          output: wantsY ? m.output(0) : m.scratch.assumingMemoryBound(to: Float.self),
          sum: wantsSum ? m.output(2) : nil),
        pool: m.pool)
      guard wantsMask else { return }
      let counts = m.output(1, Int32.self)
      for b in 0..<batch {
        counts[b] = 0
        guard hasMask else { continue }
        let mask = m.input(7, Int32.self) + b * length
        for i in 0..<length where mask[i] == 1 { counts[b] += 1 }
      }
    }
  }
}

extension EmbedLayerNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let ids = inputs[0], let words = inputs[2], let positions = inputs[3],
      let gain = inputs[5], let shift = inputs[6]
    else { throw EngineError(.arity, "an input is missing") }
    var z = try b.apply(Gather(), words, ids)
    let rows: B.Value
    if let given = optional(8) { rows = given } else { rows = try places(b, ids, axis: 1) }
    z = try plus(b, z, b.apply(Gather(), positions, rows))
    if let segments = optional(1), let table = optional(4) {
      z = try plus(b, z, b.apply(Gather(), table, segments))
    }
    let plain = try normalised(b, z, [2], epsilon: Double(epsilon)).y
    let y = try plus(b, times(b, plain, gain), shift)
    if outputs < 2 { return Few(y) }
    var valid = try b.apply(Sub(), ids, ids)
    if let mask = optional(7) {
      let one = try b.constant(Tensor(scalar: Int32(1)))
      valid = try b.apply(Cast(to: .int32), b.apply(Equal(), mask, one))
    }
    let counts = try b.apply(
      ReduceSum(ReduceAxes(keepDims: false)), valid, b.constant(Tensor([1] as [Int64])))
    return Few(Array([y, counts, z].prefix(outputs)))
  }
}
