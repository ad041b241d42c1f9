import Glibc
import Graphs
import Kernels
import Tensors

/// The bias of T5's attention: for each head the table's entry for the distance of query and key.
///
/// - `bias_table`: float16 or float32 `[buckets, H]`; `query_length` S, `key_length` T: int64.
///   Output `[1, H, S, T]`.
/// - Distances `key - query` go to buckets: half of them count single steps, the others grow with
///   the logarithm up to `max_distance` (required). With `is_bidirectional` 1 the upper half of the
///   buckets is for keys after the query, else (default) these count as distance 0.
/// - Errors: `.shape` for a table that is no matrix; `.value` for negative lengths; `.attribute`.
/// - Source: ONNX Runtime's RelativePositionBias of domain com.microsoft, version 1;
///   arXiv:1910.10683.
public struct RelativePositionBias: FormulaGradient {
  public let isBidirectional: Bool
  public let maxDistance: Int

  static let types = DTypes(.float32, .float16)
  public static let schema = Schema(
    "RelativePositionBias", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("bias_table", types), Parameter("query_length", .int64, "U", shape: true),
      Parameter("key_length", .int64, "U", shape: true),
    ],
    outputs: [Parameter("output", types)],
    attributes: [
      AttributeSpec("is_bidirectional", .int, "1: keys after the query too; default 0"),
      AttributeSpec("max_distance", .int, "where the last bucket starts; required"),
    ],
    isDifferentiable: true,
    cases: {
      let table = try Tensor(shape: [8, 2], (0..<16).map { Float(($0 * 5) % 16) * 0.3 - 2 })
      let n = try Tensor([6] as [Int64])
      return [
        .init(RelativePositionBias(isBidirectional: true, maxDistance: 8), [table, n, n]),
        .init(RelativePositionBias(maxDistance: 16), [table, n, n]),
      ]
    })

  public init(isBidirectional: Bool = false, maxDistance: Int) {
    self.isBidirectional = isBidirectional
    self.maxDistance = maxDistance
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    isBidirectional = try a.bool("is_bidirectional", default: false)
    maxDistance = try readHeads(a, "max_distance")
  }
  public var attributes: [Attribute] {
    [.bool("is_bidirectional", isBidirectional), .int("max_distance", maxDistance)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkRank(c.dims(0), 2, "bias_table")
    func length(_ i: Int) throws(EngineError) -> Dim {
      guard let all = c.elements(i) else { return c.unknown() }
      guard all.count == 1, all[0].known.map({ $0 >= 0 }) ?? true else {
        throw EngineError(
          .value, "a length is not one number", expected: "0 or more", received: "\(all)")
      }
      return all[0]
    }
    return [Fact(c.dtype(0), [1, c.dims(0)?[1] ?? c.unknown(), try length(1), try length(2)])]
  }

  /// The bucket of a distance `key - query`, of `count` buckets.
  func bucket(_ distance: Int, of count: Int) -> Int {
    var buckets = count
    var first = 0
    var steps = -distance
    if isBidirectional {
      buckets /= 2
      if steps < 0 {
        first = buckets
        steps = -steps
      }
    } else {
      steps = max(0, steps)
    }
    let exact = buckets / 2
    if steps < exact { return first + steps }
    let ratio =
      logf(Float(steps) / Float(exact)) / logf(Float(maxDistance) / Float(exact))
    let place = ratio.isFinite ? exact + Int(ratio * Float(buckets - exact)) : buckets - 1
    return first + min(max(place, 0), buckets - 1)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    guard try p.input(0).dtype == .float32 else { throw p.noKernel() }
    let table = try p.input(0).shape
    let y = try p.output(0).shape
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let (queries, keys, heads) = (y[2], y[3], table[1])
    guard table[0] >= (isBidirectional ? 2 : 1) else {
      throw EngineError(
        .shape, "bias_table has too few buckets", expected: "2 or more", received: "\(table)")
    }
    // The bucket depends on the distance alone: from -(queries - 1) to keys - 1.
    let places = Table(
      (0..<max(0, queries + keys - 1)).map { bucket($0 - queries + 1, of: table[0]) * heads })
    return Prepared(label: "position bias") { m in
      let from = m.input(0, Float.self)
      let to = m.output(0, Float.self)
      m.pool.run(heads * queries) { i in
        let (h, s) = (i / queries, i % queries)
        for t in 0..<keys { to[i * keys + t] = from[places[t - s + queries - 1] + h] }
      }
    }
  }
}

extension RelativePositionBias {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let table = inputs[0], let queries = inputs[1], let keys = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let s = b.fact(of: queries).knownInts?.first, let t = b.fact(of: keys).knownInts?.first,
      let count = b.fact(of: table).dims?[0].known
    else { throw EngineError(.notDifferentiable, "the lengths are not known") }
    var buckets: [Int64] = []
    for i in 0..<s { for j in 0..<t { buckets.append(Int64(bucket(j - i, of: count))) } }
    let rows = try b.apply(Gather(), table, b.constant(Tensor(shape: [s, t], buckets)))
    return Few(try b.apply(Unsqueeze(axes: [0]), b.apply(Transpose(perm: [2, 0, 1]), rows)))
  }
}
