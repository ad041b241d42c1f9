import Graphs
import Tensors

/// Attention of com.microsoft after its projections, with other operators: what the gradients of its
/// operators follow from.
struct HeadsFormula<B: Builder> {
  let b: B
  let scale: Float?
  let filter: Float
  let isCausal: Bool
  var mask: B.Value?
  var bias: B.Value?
  var pastKey: B.Value?
  var pastValue: B.Value?
  /// How much of a past with room for more is valid, int32 of one element.
  var pastLength: B.Value?
  /// The beam that each past key comes from, int32 `[N / W, W, P]`.
  var indirection: B.Value?

  /// Output `[N, S, H * E]`, the keys and values with the past, and the scores with masks, as many
  /// as `outputs` asks for. Operands are `[N, H, ..., E]`.
  func attend(
    q: B.Value, k: B.Value, v: B.Value, outputs: Int
  ) throws(EngineError) -> [B.Value] {
    guard let dims = b.fact(of: q).dims, let size = dims[3].known else {
      throw EngineError(.notDifferentiable, "the size of a head is not known")
    }
    let (keys, values) = (try cached(k, pastKey), try cached(v, pastValue))
    let factor = scale.map { Double($0) } ?? 1 / Double(max(1, size)).squareRoot()
    var scores = try b.apply(MatMul(), times(b, q, factor), turned(b, keys.read))
    let past = try mask == nil && !isCausal ? nil : pastRows(keys.read, k)
    if let mask {
      let hidden = try hides(mask, keys.read, queries: q, past: past, like: scores)
      scores = try plus(b, scores, times(b, hidden, Double(filter)))
    }
    if let bias { scores = try plus(b, scores, cast(b, bias, like: scores)) }
    // The kernel adds its mask for one query without the causal part.
    let isOpen = dims[2].known == 1 && (mask != nil || outputs > 3)
    if isCausal, !isOpen, let past {
      let seen = try b.apply(
        LessOrEqual(), places(b, keys.read, axis: 2),
        plus(b, reshape(b, places(b, q, axis: 2), [-1, 1]), past))
      let isHalf = b.fact(of: scores).dtype.map { $0.byteSize < 4 } ?? false
      let least = isHalf ? -Double.infinity : -Double(Float.greatestFiniteMagnitude)
      scores = try b.apply(Where(), seen, scores, scalar(b, least, like: scores))
    }
    let y = try b.apply(MatMul(), b.apply(Softmax(), scores), values.read)
    return Array([try headsTogether(b, y), keys.whole, values.whole, scores].prefix(outputs))
  }

  /// New rows behind those of the past: what attention reads, and the whole cache.
  private func cached(
    _ new: B.Value, _ past: B.Value?
  ) throws(EngineError) -> (read: B.Value, whole: B.Value) {
    guard let past else { return (new, new) }
    guard let pastLength else {
      let both = try b.apply(Concat(axis: 2), past, new)
      return (both, both)
    }
    let length = try reshape(b, b.apply(Cast(to: .int64), pastLength), [1])
    let axis = try b.constant(Tensor([2] as [Int64]))
    let old = try b.apply(
      Slice(), inputs: [past, try b.constant(Tensor([0] as [Int64])), length, axis])
    let rest = try b.apply(
      Slice(), inputs: [past, try plus(b, length, size(b, new, 2)), try size(b, past, 2), axis])
    let read = try b.apply(Concat(axis: 2), mixed(old), new)
    return (read, try b.apply(Concat(axis: 2), inputs: [old, new, rest]))
  }

  /// Past rows `[N, H, P, E]`, each from the beam that it belongs to.
  private func mixed(_ rows: B.Value) throws(EngineError) -> B.Value {
    guard let indirection else { return rows }
    guard let beams = b.fact(of: indirection).dims?[1].known,
      let batch = b.fact(of: rows).dims?[0].known
    else { throw EngineError(.notDifferentiable, "the number of beams is not known") }
    let first = (0..<batch).map { Int64($0 / beams * beams) }
    let axis = try b.constant(Tensor([1] as [Int64]))
    let beam = try b.apply(
      Slice(),
      inputs: [
        try reshape(b, b.apply(Cast(to: .int64), indirection), [batch, -1]),
        try b.constant(Tensor([0] as [Int64])), try size(b, rows, 2), axis,
      ])
    let sources = try plus(b, beam, b.constant(Tensor(shape: [batch, 1], first)))
    let index = try plus(
      b, b.apply(Mul(), sources, size(b, rows, 2)), places(b, rows, axis: 2))
    let byRow = try b.apply(Transpose(perm: [0, 2, 1, 3]), rows)
    let heads = try knownSize(rows, 1)
    let size = try knownSize(rows, 3)
    let picked = try b.apply(Gather(), reshape(b, byRow, [-1, heads, size]), index)
    return try b.apply(Transpose(perm: [0, 2, 1, 3]), picked)
  }

  private func knownSize(_ x: B.Value, _ axis: Int) throws(EngineError) -> Int {
    guard let n = b.fact(of: x).dims?[axis].known else {
      throw EngineError(.notDifferentiable, "the heads and their sizes are not known")
    }
    return n
  }

  /// Keys before the new ones, int64 `[1]`.
  private func pastRows(_ keys: B.Value, _ new: B.Value) throws(EngineError) -> B.Value {
    try b.apply(Sub(), size(b, keys, 2), size(b, new, 2))
  }

  /// 1 where a mask in one of the forms of `PaddingMask` hides a key, else 0, `[N, 1, 1 or S, T]`.
  private func hides(
    _ mask: B.Value, _ keys: B.Value, queries: B.Value, past: B.Value?, like x: B.Value
  ) throws(EngineError) -> B.Value {
    guard let dims = b.fact(of: mask).dims else {
      throw EngineError(.notDifferentiable, "the rank of the mask is not known")
    }
    func unlessSet(_ shown: B.Value) throws(EngineError) -> B.Value {
      let isHidden = try b.apply(
        LessOrEqual(), shown, b.constant(Tensor(scalar: Int32(0))))
      return try cast(b, isHidden, like: x)
    }
    switch dims.count {
    case 1:
      let place = try places(b, keys, axis: 2)
      let count = b.fact(of: x).dims?[0]
      func bound(_ part: Int) throws(EngineError) -> B.Value {
        var list = try b.apply(Cast(to: .int64), mask)
        if dims[0] != count {
          guard let n = count?.known else {
            throw EngineError(.notDifferentiable, "the size of the batch is not known")
          }
          list = try slice(b, list, axis: 0, part * n, (part + 1) * n)
        }
        return try reshape(b, list, [-1, 1, 1, 1])
      }
      var hidden = try b.apply(GreaterOrEqual(), place, bound(0))
      if let n = count?.known, dims[0] == Dim(2 * n), dims[0] != count {
        hidden = try b.apply(Or(), hidden, b.apply(Less(), place, bound(1)))
      }
      return try cast(b, hidden, like: x)
    case 2: return try unlessSet(b.apply(Unsqueeze(axes: [1, 2]), mask))
    case 3: return try unlessSet(b.apply(Unsqueeze(axes: [1]), mask))
    default:
      guard let past else { throw EngineError(.shape, "the mask has no keys") }
      let end = try plus(b, past, size(b, queries, 2))
      let rows = try b.apply(
        Slice(), inputs: [mask, past, end, try b.constant(Tensor([2] as [Int64]))])
      let columns = try b.apply(
        Slice(),
        inputs: [
          rows, try b.constant(Tensor([0] as [Int64])), try size(b, keys, 2),
          try b.constant(Tensor([3] as [Int64])),
        ])
      return try unlessSet(columns)
    }
  }
}

/// Attention over heads in all forms of its operands: what MultiHeadAttention and its sister for
/// one token share.
struct MultiHeadFormula<B: Builder> {
  let b: B
  let heads: Int
  let inputs: Few<B.Value?>
  let at: MultiHeadPlan.Inputs

  private func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }

  /// The `i`-th of the parts side by side before the last axis, `[N, S, H, parts, E]`, as rows.
  private func part(_ x: B.Value, _ i: Int) throws(EngineError) -> B.Value {
    try reshape(b, b.apply(Squeeze(axes: [3]), slice(b, x, axis: 3, i, i + 1)), [0, 0, -1])
  }

  /// - `formula`: with scale and filter; masks and caches are filled in here.
  func outputs(
    _ formula: HeadsFormula<B>, sharesBuffer: Bool, count: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let query = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let rank = try knownRank(b, query)
    var (q, key, value) = (query, optional(1), optional(2))
    var isHeaded = false
    if rank == 5 {
      q = try part(query, 0)
      (key, value) = (try part(query, 1), try part(query, 2))
    } else if let pair = key, value == nil {
      (key, value) = (try part(pair, 0), try part(pair, 1))
    } else if let given = key {
      isHeaded = try knownRank(b, given) == 4
    } else {
      let parts = try b.apply(Split(axis: 2, parts: 3), inputs: [query], outputs: 3)
      q = parts[0]
      (key, value) = (parts[1], parts[2])
    }
    guard var k = key, var v = value else {
      throw EngineError(.arity, "keys or values are missing")
    }
    if let bias = optional(at.bias) {
      guard let width = b.fact(of: q).dims?.last?.known,
        let whole = b.fact(of: bias).dims?.first?.known
      else { throw EngineError(.notDifferentiable, "the sizes of the heads are not known") }
      q = try plus(b, q, slice(b, bias, axis: 0, 0, width))
      if !isHeaded {
        k = try plus(b, k, slice(b, bias, axis: 0, width, 2 * width))
        v = try plus(b, v, slice(b, bias, axis: 0, 2 * width, whole))
      }
    }
    q = try headsApart(b, q, heads)
    if !isHeaded { (k, v) = (try headsApart(b, k, heads), try headsApart(b, v, heads)) }
    var full = formula
    full.mask = optional(at.mask)
    full.bias = optional(at.extra)
    full.pastKey = optional(at.pastKey)
    full.pastValue = optional(at.pastValue)
    if sharesBuffer {
      full.pastLength = optional(at.pastLength)
      full.indirection = optional(at.indirection)
    }
    return Few(try full.attend(q: q, k: k, v: v, outputs: count))
  }
}

extension MultiHeadAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let isShared = inputs.count > 8 && inputs[8] != nil && inputs[6] != nil
    return try MultiHeadFormula(
      b: b, heads: options.heads, inputs: inputs,
      at: .init(
        bias: 3, mask: 4, extra: 5, pastKey: 6, pastValue: 7, pastLength: 8, indirection: 9)
    ).outputs(
      HeadsFormula(
        b: b, scale: options.scale, filter: options.filter, isCausal: options.isUnidirectional),
      sharesBuffer: isShared, count: outputs)
  }
}

extension DecoderMaskedMultiHeadAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let isShared = options.sharesBuffer && inputs.count > 5 && inputs[5] != nil
    return try MultiHeadFormula(
      b: b, heads: options.heads, inputs: inputs,
      at: .init(
        bias: 10, mask: 3, extra: 4, pastKey: 5, pastValue: 6, pastLength: 7, indirection: 9)
    ).outputs(
      HeadsFormula(b: b, scale: options.scale, filter: options.filter, isCausal: false),
      sharesBuffer: isShared, count: outputs)
  }
}

extension ContribAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func optional(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let x = inputs[0], let weights = inputs[1],
      let width = b.fact(of: weights).dims?[1].known
    else { throw EngineError(.notDifferentiable, "weights of unknown size") }
    var projected = try b.apply(MatMul(), x, weights)
    if let bias = optional(2) { projected = try plus(b, projected, bias) }
    let sizes = options.sizes ?? [width / 3, width / 3, width / 3]
    let parts = try b.apply(
      Split(axis: 2), inputs: [projected, try b.constant(Tensor(sizes.map { Int64($0) }))],
      outputs: 3)
    var heads: [B.Value] = []
    for i in 0..<3 { heads.append(try headsApart(b, parts[i], options.heads)) }
    var formula = HeadsFormula(
      b: b, scale: options.scale, filter: options.filter, isCausal: options.isUnidirectional)
    formula.mask = optional(3)
    formula.bias = optional(5)
    if let cache = optional(4) {
      formula.pastKey = try b.apply(Squeeze(axes: [0]), slice(b, cache, axis: 0, 0, 1))
      formula.pastValue = try b.apply(Squeeze(axes: [0]), slice(b, cache, axis: 0, 1, 2))
    }
    if options.sharesBuffer { formula.pastLength = optional(6) }
    let made = try formula.attend(
      q: heads[0], k: heads[1], v: heads[2], outputs: outputs > 1 ? 3 : 1)
    if outputs < 2 { return Few(made[0]) }
    let pair = [
      try b.apply(Unsqueeze(axes: [0]), made[1]), try b.apply(Unsqueeze(axes: [0]), made[2]),
    ]
    return Few(made[0], try b.apply(Concat(axis: 0), inputs: pair))
  }
}

extension DecoderMaskedSelfAttention {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    try attention.formula(b, inputs, outputs: outputs)
  }
}
