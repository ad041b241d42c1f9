import Graphs
import Tensors

/// Counts of n-grams in rows of tokens, weighted.
///
/// - `X`: strings, int32 or int64, `[C]` or `[N, C]`. Output: float32 `[M]` or `[N, M]` with
///   `M = max(ngram_indexes) + 1`.
/// - `pool_strings` or `pool_int64s`: all n-grams, 1-grams first; `ngram_counts`: where those of
///   each length begin; `ngram_indexes`: the column of each n-gram; `min_gram_length`,
///   `max_gram_length`: lengths that count; `max_skip_count`: an n-gram's tokens stand 1 to
///   `max_skip_count + 1` apart, 1-grams count once.
/// - `mode`: TF counts, IDF the column's weight where the count is not 0, TFIDF count times weight.
///   `weights`: one a column; default 1.
/// - Errors: `.attribute` where the lists do not fit each other, `.shape` for a rank over 2,
///   `.dtype` when X is not of the pool's kind.
/// - Source: ONNX TfIdfVectorizer 9; weights go by column, as its reference implementation has it.
public struct TfIdfVectorizer: Operator {
  public let pool: NgramPool
  public let columns: [Int]
  public let mode: String
  public let maxSkip: Int
  public let weights: [Float]

  public static let schema = Schema(
    "TfIdfVectorizer", versions: [9],
    inputs: [Parameter("X", [.string, .indices])],
    outputs: [Parameter("Y", DTypes(.float32), "T1")],
    attributes: [
      AttributeSpec("mode", .string, "TF, IDF or TFIDF; required"),
      AttributeSpec("ngram_indexes", .ints, "the column of each n-gram; required"),
      AttributeSpec("ngram_counts", .ints, "where n-grams of each length begin; required"),
      AttributeSpec("min_gram_length", .int, "from 1; required"),
      AttributeSpec("max_gram_length", .int, "from min_gram_length; required"),
      AttributeSpec("max_skip_count", .int, "from 0; required"),
      AttributeSpec("pool_int64s", .ints, "n-grams of integers"),
      AttributeSpec("pool_strings", .strings, "n-grams of strings"),
      AttributeSpec("weights", .floats, "of the columns; default 1"),
    ],
    cases: {
      let pool = try NgramPool(
        .integers([2, 3, 5, 4, 5, 6, 7, 8, 6, 7]), starts: [0, 4], lengths: 1...2)
      let x = try Tensor(
        shape: [2, 6], [1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8] as [Int32])
      return [.init(try TfIdfVectorizer(pool, columns: Array(0..<7), maxSkip: 2), [x])]
    })

  public init(
    _ pool: NgramPool, columns: [Int], mode: String = "TF", maxSkip: Int = 0, weights: [Float] = []
  ) throws(EngineError) {
    self.pool = pool
    self.columns = columns
    self.mode = mode
    self.maxSkip = maxSkip
    self.weights = weights
    let width = (columns.max() ?? -1).addingReportingOverflow(1)
    guard columns.count >= pool.count, columns.min() ?? 0 >= 0, !width.overflow,
      width.partialValue > 0
    else {
      throw EngineError(
        .attribute, "ngram_indexes does not fit the pool",
        expected: "a column of each of \(pool.count) n-grams", received: "\(columns.count) columns")
    }
    guard weights.isEmpty || weights.count >= width.partialValue else {
      throw EngineError(
        .attribute, "weights are missing",
        expected: "one for each of \(width.partialValue) columns",
        received: "\(weights.count)")
    }
    guard maxSkip >= 0, maxSkip < Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'max_skip_count' is out of range", expected: "from 0",
        received: "\(maxSkip)")
    }
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    let least = try a.int("min_gram_length")
    let most = try a.int("max_gram_length")
    guard least >= 1, most >= least else {
      throw EngineError(
        .attribute, "the lengths of n-grams are not legal",
        expected: "1 <= min_gram_length <= max_gram_length", received: "\(least) and \(most)")
    }
    guard a.has("pool_strings") != a.has("pool_int64s") else {
      throw EngineError(
        .attribute, "one of 'pool_strings' and 'pool_int64s' must be given",
        received: a.has("pool_strings") ? "both" : "none")
    }
    let tokens: NgramPool.Tokens =
      a.has("pool_strings")
      ? .strings(try a.strings("pool_strings", default: []))
      : .integers(try a.ints("pool_int64s"))
    let mode = try a.string("mode", default: "", oneOf: ["TF", "IDF", "TFIDF"])
    try self.init(
      NgramPool(tokens, starts: a.ints("ngram_counts"), lengths: least...most),
      columns: a.ints("ngram_indexes"), mode: mode, maxSkip: a.int("max_skip_count"),
      weights: a.floats("weights", default: []))
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = [
      .string("mode", mode), .ints("ngram_indexes", columns), .ints("ngram_counts", pool.starts),
      .int("min_gram_length", pool.lengths.lowerBound),
      .int("max_gram_length", pool.lengths.upperBound), .int("max_skip_count", maxSkip),
    ]
    switch pool.tokens {
    case .integers(let tokens): list.append(.ints("pool_int64s", tokens))
    case .strings(let tokens): list.append(.strings("pool_strings", tokens))
    }
    if !weights.isEmpty { list.append(.floats("weights", weights)) }
    return list
  }

  private var width: Int { (columns.max() ?? 0) + 1 }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let d = c.dtype(0), case .strings = pool.tokens, d != .string {
      throw EngineError(.dtype, "the pool holds strings", expected: "strings", received: "\(d)")
    }
    if let d = c.dtype(0), case .integers = pool.tokens, d == .string {
      throw EngineError(.dtype, "the pool holds integers", expected: "integers", received: "\(d)")
    }
    guard let dims = c.dims(0) else { return [Fact(.float32, nil)] }
    guard dims.count <= 2 else {
      throw EngineError(
        .shape, "expected rows of tokens", expected: "[C] or [N, C]", received: "\(dims)")
    }
    return [Fact(.float32, dims.count == 2 ? [dims[0], Dim(width)] : [Dim(width)])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    guard let type = try infer(Inference(inputs: [Fact(x.type)])).first?.tensorType else {
      throw EngineError(.shape, "the sizes of the result are not settled")
    }
    // Integers that no pool of integers holds stand for words unknown to it.
    let tokens: [Int?]
    switch x.dtype {
    case .string: tokens = x.strings.map { pool.number($0) }
    case .int32: tokens = x.elements(Int32.self).map { Int($0) }
    default: tokens = x.elements(Int64.self).map { Int($0) }
    }
    let rows = x.shape.rank == 2 ? x.shape[0] : 1
    let length = rows == 0 ? 0 : tokens.count / rows
    let out = try e.allocate(type)
    let y = out.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<type.count { y[i] = 0 }
    for r in 0..<rows { count(tokens[(r * length)..<((r + 1) * length)], into: y + r * width) }
    if mode != "TF" {
      for i in 0..<type.count where y[i] != 0 {
        let w = weights.isEmpty ? 1 : weights[i % width]
        y[i] = mode == "IDF" ? w : w * y[i]
      }
    }
    return [.tensor(Tensor(out))]
  }

  private func count(_ row: ArraySlice<Int?>, into y: UnsafeMutablePointer<Float>) {
    var shortest = pool.lengths.lowerBound
    let longest = pool.lengths.upperBound
    for step in 1...maxSkip + 1 {
      guard step == 1 || step < row.count else { return }
      for start in row.indices {
        var node = 0
        var at = start
        var size = 1
        while size <= longest, at < row.endIndex, let token = row[at],
          let next = pool.child(node, token)
        {
          node = next
          if size >= shortest, pool.ngram[node] >= 0 { y[columns[pool.ngram[node]]] += 1 }
          size += 1
          at += step
        }
      }
      if shortest == 1 {
        shortest = 2
        if longest < 2 { return }
      }
    }
  }
}
