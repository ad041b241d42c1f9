import Graphs
import Operators
import Tensors

/// `MultiHeadAttention` and `GroupQueryAttention`: attention in several heads, each of its own
/// projections; in the latter several query heads share one of keys and values.
///
/// Called with query, value and perhaps key, `[N, T, M]`, or with more axes in front of M, over
/// `attention_axes`.
struct MultiHeadAttentionLayer: KerasLayer {
  let isGrouped: Bool
  let size: Int
  let usesBias: Bool
  let usesGate: Bool
  let hasDropout: Bool
  let axes: [Int]?
  let window: Int?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    isGrouped = config.className != "MultiHeadAttention"
    size = try config.int(isGrouped ? "head_dim" : "key_dim")
    usesBias = try config.bool("use_bias", default: true)
    usesGate = try config.bool("use_gate", default: false)
    hasDropout = try config.double("dropout", default: 0) > 0
    axes = config["attention_axes"] == nil ? nil : try config.ints("attention_axes")
    window = try config.optionalInt("sliding_window")
    guard size > 0 else { throw EngineError(.malformed, "'\(config.name)' has empty heads") }
  }

  private var maps: [String] {
    ["query", "key"] + (usesGate ? ["gate"] : []) + ["value", "output"]
  }

  var variables: [KerasVariable] {
    var list: [KerasVariable] = []
    for map in maps {
      let place = "_\(map)_dense"
      list.append(KerasVariable("\(map)/kernel", place: place))
      if usesBias { list.append(KerasVariable("\(map)/bias", place: place)) }
    }
    return list
  }

  private func index(_ map: String) -> Int {
    (maps.firstIndex(of: map) ?? 0) * (usesBias ? 2 : 1)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let query = try call.input(0, "query")
    let value = try call.input(1, "value")
    let given = call.argument(2, "key")
    let key = given == nil ? value : try call.input(2, "key")
    let returnsScores = call.flag(7, "return_attention_scores")

    let queryMask = try call.maskArgument(3, "query_mask") ?? query.mask
    let allowed = try mask(call, query, value, given == nil ? nil : key, queryMask)
    let maps = AttentionProjections(call: call, usesBias: usesBias)
    let q = try maps.split(query.id, index("query"))
    let k = try maps.split(key.id, index("key"))
    let v = try maps.split(value.id, index("value"))
    let rank = try call.rank(q)
    let isPlain = rank == 4 && (axes ?? [1]) == [1]
    // Keras takes a fused way without dropout, in which rows without any key see all of them.
    let clears = hasDropout || returnsScores || rank != 4
    let made =
      isPlain
      ? try heads(call, q, k, v, allowed, clears: clears)
      : try general(call, q, k, v, allowed)
    var y = made.output
    if usesGate {
      y = try call.mul(y, try maps.split(query.id, index("gate"), isGate: true))
    }
    y = try maps.join(y, index("output"))
    let result = KerasValue.tensor(KerasTensor(y, mask: queryMask))
    return returnsScores ? .list([result, .id(made.scores)]) : result
  }

  /// `[N or 1, T, S]`, or what was given as attention mask.
  private func mask(
    _ call: LayerCall, _ query: KerasTensor, _ value: KerasTensor, _ key: KerasTensor?,
    _ queryMask: ValueID?
  ) throws(EngineError) -> ValueID? {
    var allowed: ValueID?
    if let queryMask { allowed = try call.unsqueeze(try call.cast(queryMask, to: .bool), [2]) }
    for mask in [
      try call.maskArgument(4, "value_mask") ?? value.mask,
      try call.maskArgument(5, "key_mask") ?? key?.mask,
    ] {
      guard let mask else { continue }
      allowed = try call.both(allowed, try call.unsqueeze(try call.cast(mask, to: .bool), [1]))
    }
    if call.flag(9, "use_causal_mask") {
      let causal = try call.causalMask(query.id, value.id)
      allowed = try call.both(allowed, try call.unsqueeze(causal, [0]))
    }
    if let window {
      let near = try call.windowMask(query.id, value.id, width: window)
      allowed = try call.both(allowed, try call.unsqueeze(near, [0]))
    }
    return try call.both(try call.maskArgument(6, "attention_mask"), allowed)
  }

  /// Attention over axis 1 of `[N, T, heads, size]`.
  private func heads(
    _ call: LayerCall, _ query: ValueID, _ key: ValueID, _ value: ValueID, _ allowed: ValueID?,
    clears: Bool
  ) throws(EngineError) -> (output: ValueID, scores: ValueID) {
    var q = try call.transpose(query, [0, 2, 1, 3])
    var k = try call.transpose(key, [0, 2, 3, 1])
    var v = try call.transpose(value, [0, 2, 1, 3])
    let (many, few) = (try call.size(query, 2), try call.size(key, 2))
    let dims = try call.dims(q)
    let groups = few > 0 && many % few == 0 ? many / few : 1
    if groups > 1 {
      q = try call.reshape(
        q, dims: [dims[0], Dim(few), Dim(groups), dims[2], dims[3]], like: [q])
      k = try call.unsqueeze(k, [2])
      v = try call.unsqueeze(v, [2])
    }
    q = try call.mul(q, 1 / Double(size).squareRoot())
    var scores = try call.matmul(q, k)
    var test = allowed
    if let allowed {
      let missing = try call.rank(scores) - (try call.rank(allowed))
      // A mask without heads gets an axis for them.
      let grown =
        missing > 0 ? try call.unsqueeze(allowed, Array(1...missing)) : allowed
      test = grown
      let low = clears ? call.lowest(of: call.dtype) : Self.farBelow(call.b.dtype(scores))
      scores = try call.select(grown, scores, try call.number(low, like: scores))
    }
    var weights = try call.b.apply(Softmax(SoftmaxAxis(-1)), scores)
    if clears, let test {
      weights = try call.select(test, weights, try call.number(0, like: weights))
    }
    var y = try call.matmul(weights, v)
    if groups > 1 {
      let last = try call.dims(v)[4]
      y = try call.reshape(y, dims: [dims[0], dims[1], dims[2], last], like: [y, query])
      let keys = try call.dims(key)[1]
      weights = try call.reshape(
        weights, dims: [dims[0], dims[1], dims[2], keys], like: [weights, query, key])
    }
    return (try call.transpose(y, [0, 2, 1, 3]), weights)
  }

  /// What Keras' fused attention puts for what is not allowed: 0.7 times the lowest number.
  private static func farBelow(_ dtype: DType?) -> Double {
    switch dtype {
    case .float16: -0.7 * 65504
    default: -0.7 * Double(Float.greatestFiniteMagnitude)
    }
  }

  /// Attention over any axes of `[N, ..., heads, size]`, with Keras' own equations.
  private func general(
    _ call: LayerCall, _ q: ValueID, _ k: ValueID, _ v: ValueID, _ allowed: ValueID?
  ) throws(EngineError) -> (output: ValueID, scores: ValueID) {
    let rank = try call.rank(q)
    var places: [Int] = []
    for a in axes ?? Array(1..<(rank - 2)) {
      places.append(try call.axis(a < 0 ? a + rank - 1 : a, rank: rank))
    }
    let letters = Array("abcdefghijklmnop")
    guard rank + places.count < letters.count, try call.size(q, -2) == call.size(k, -2) else {
      throw call.unsupported("its attention has too many axes")
    }
    let target = letters[..<rank].map(String.init)
    var source = target
    for (i, p) in places.enumerated() { source[p] = String(letters[rank + i]) }
    let kept = (0..<rank).filter { !places.contains($0) && $0 != rank - 1 }
    let product =
      kept.map { target[$0] } + places.map { target[$0] } + places.map { source[$0] }
    let scaled = try call.mul(q, 1 / Double(size).squareRoot())
    var scores = try call.b.apply(
      try Einsum("\(source.joined()),\(target.joined())->\(product.joined())"), k, scaled)
    var test = allowed
    if let allowed {
      let place = product.count - 2 * places.count
      let missing = product.count - (try call.rank(allowed))
      let front = place - missing
      let grown =
        missing > 0 ? try call.unsqueeze(allowed, Array(front..<(front + missing))) : allowed
      test = grown
      scores = try call.select(
        grown, scores, try call.number(call.lowest(of: call.dtype), like: scores))
    }
    let over = Array((product.count - places.count)..<product.count)
    var weights: ValueID
    if over.count == 1 {
      weights = try call.b.apply(Softmax(SoftmaxAxis(-1)), scores)
    } else {
      let top = try call.reduce(ReduceMax.self, scores, over, keepDims: true)
      let e = try call.b.apply(Exp(), try call.sub(scores, top))
      weights = try call.div(e, try call.reduce(ReduceSum.self, e, over, keepDims: true))
    }
    if let test { weights = try call.select(test, weights, try call.number(0, like: weights)) }
    let y = try call.b.apply(
      try Einsum("\(product.joined()),\(source.joined())->\(target.joined())"), weights, v)
    return (y, weights)
  }
}
