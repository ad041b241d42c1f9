import Glibc
import Tensors
import Training

/// What lookups of strings and of whole numbers share: categories as numbers by a vocabulary.
///
/// - Numbers: with `.integers` 0 is the mask's where there is one; then come those of unknown
///   categories, then the vocabulary. Other outputs have no place for the mask and leave it out.
/// - `unknowns`: how many numbers unknown categories share; 0: they are -1, of which vectors show
///   nothing, where Keras refuses them.
/// - Output: int64 in the input's shape, or by `output` a vector of `depth`. Inverted: int64
///   becomes the category.
/// - Graphs hold the vocabulary in one `LabelEncoder` (ai.onnx.ml), strings included.
/// - State: `weights` `[depth]`, of `.tfIDF`. The vocabulary is a setting, not among the states.
public class IndexLookup: Layer {
  /// Numbers that unknown categories share.
  public let unknowns: Int
  /// What comes out.
  public let output: CategoryOutput
  /// Whether numbers become categories.
  public let inverts: Bool
  /// The most numbers there are; nil for no limit.
  public let limit: Int?
  /// Inverse document frequencies of `.tfIDF`.
  public let weights = StateTensor.pending()
  /// Known categories, in the order of their numbers.
  private(set) var known: [Token] = []
  let mask: Token?
  let unknown: Token

  /// A category.
  enum Token: Hashable, Comparable, Sendable {
    case text(String)
    case number(Int64)

    static func < (a: Token, b: Token) -> Bool {
      switch (a, b) {
      // By bytes, as elsewhere.
      case (.text(let x), .text(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
      case (.number(let x), .number(let y)): x < y
      case (.number, .text): true
      case (.text, .number): false
      }
    }
  }

  init(
    _ known: [Token], unknowns: Int, mask: Token?, unknown: Token, limit: Int?,
    output: CategoryOutput, inverts: Bool
  ) throws(EngineError) {
    self.unknowns = unknowns
    self.mask = mask
    self.unknown = unknown
    self.limit = limit
    self.output = output
    self.inverts = inverts
    super.init()
    try checked(unknowns, from: 0, "the number of unknown categories")
    guard !inverts || output == .integers else {
      throw EngineError(
        .attribute, "an inverted lookup gives categories", expected: "output integers",
        received: output.rawValue)
    }
    if !known.isEmpty { try take(known) }
  }

  /// The number of the first category of the vocabulary.
  private var first: Int { (mask != nil && output == .integers ? 1 : 0) + unknowns }
  /// The size of vectors, and how many numbers there are.
  public var depth: Int { first + known.count }

  private func take(_ tokens: [Token]) throws(EngineError) {
    guard Set(tokens).count == tokens.count else {
      throw EngineError(.attribute, "a category stands twice in the vocabulary")
    }
    if let mask, tokens.contains(mask) {
      throw EngineError(.attribute, "the mask stands in the vocabulary")
    }
    if let limit, first + tokens.count > limit {
      throw EngineError(
        .attribute, "the vocabulary is too large", expected: "\(limit - first) categories",
        received: "\(tokens.count)")
    }
    known = tokens
  }

  /// Learns the vocabulary from documents, the most frequent categories first; of as frequent ones
  /// the greater comes first, as in Keras.
  func learn(_ documents: [[Token]]) throws {
    var (counts, containing): ([Token: Int], [Token: Int]) = ([:], [:])
    for document in documents {
      for t in document { counts[t, default: 0] += 1 }
      for t in Set(document) { containing[t, default: 0] += 1 }
    }
    if let mask { counts[mask] = nil }
    counts[unknown] = nil
    guard !counts.isEmpty else {
      throw EngineError(.value, "no category to learn", expected: "data with categories")
    }
    var order = counts.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.map(\.key)
    if let limit { order = Array(order.prefix(max(limit - first, 0))) }
    try take(order)
    guard output == .tfIDF else { return }
    let n = Double(documents.count)
    let own = order.map { Glibc.log(1 + n / Double(1 + containing[$0, default: 0])) }
    // What an unknown category is worth is not known: the mean.
    let mean = own.reduce(0, +) / Double(max(own.count, 1))
    weights.value = try Tensor(
      (Array(repeating: mean, count: first) + own).map { Float($0) }
    ).cast(to: dtype)
  }

  func setWeights(_ list: [Double]) throws(EngineError) {
    guard list.count == known.count else {
      throw EngineError(
        .attribute, "weights do not fit the vocabulary", expected: "\(known.count)",
        received: "\(list.count)")
    }
    let mean = list.reduce(0, +) / Double(max(list.count, 1))
    weights.value = try Tensor(
      (Array(repeating: mean, count: first) + list).map { Float($0) }
    ).cast(to: dtype)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    guard !known.isEmpty else {
      throw EngineError(
        .usage, "the layer has no vocabulary", hint: "call adapt with data, or give a vocabulary")
    }
    guard output != .tfIDF || weights.value.count == depth else {
      throw EngineError(
        .usage, "the layer has no weights", hint: "call adapt with data, or give weights")
    }
    return output.shape(for: shape, depth: depth)
  }

  /// Tensors of categories and their numbers, mask and unknown ones included.
  private func table() throws -> (tokens: Tensor, numbers: [Int64]) {
    var tokens = known
    var numbers = known.indices.map { Int64(first + $0) }
    if let mask {
      tokens.append(mask)
      // Nothing is set for it in vectors.
      numbers.append(output == .integers ? 0 : -1)
    }
    if inverts {
      for i in 0..<unknowns {
        tokens.append(unknown)
        numbers.append(Int64(i + (mask == nil ? 0 : 1)))
      }
    }
    return (try tensor(tokens), numbers)
  }

  private func tensor(_ tokens: [Token]) throws -> Tensor {
    if case .text = unknown {
      return try Tensor(
        shape: [tokens.count],
        strings: tokens.map { if case .text(let s) = $0 { s } else { "" } })
    }
    return try Tensor(tokens.map { if case .number(let n) = $0 { n } else { Int64(0) } })
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let (tokens, numbers) = try table()
    if inverts {
      return try x.cast(to: .int64).lookedUp(
        Tensor(numbers), values: tokens, fallback: tensor([unknown]))
    }
    let keys = tokens.dtype == .int64 ? try x.cast(to: .int64) : x
    let start = Int64(first - unknowns)
    let isShared = unknowns > 1
    let fallback = unknowns == 1 ? start : isShared ? -2 : -1
    var ids = try keys.lookedUp(
      tokens, values: Tensor(numbers), fallback: Tensor([fallback]))
    if isShared {
      let places: Tensor
      if keys.dtype == .string {
        try refuseCapture(
          "a hash of strings", hint: "use one number for all unknown categories")
        places = try Tensor(
          shape: keys.shape,
          keys.strings.map { Int64(FarmHash.fingerprint($0) % UInt64(unknowns)) + start })
      } else {
        places = try keys.modulo(Tensor(scalar: Int64(unknowns))) + Tensor(scalar: start)
      }
      ids = try choose(ids.isEqual(to: Tensor(scalar: Int64(-2))), places, ids)
    }
    let scale = output == .tfIDF ? weights.value : nil
    return try output.encoded(ids, depth: depth, dtype: dtype, weights: scale)
  }

  public override var configuration: [(name: String, value: String)] {
    [("categories", "\(known.count)"), ("output", output.rawValue)]
  }
}
