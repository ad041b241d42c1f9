import Tensors
import Training

/// Texts as the numbers of their words.
///
/// - Input: strings `[N]` or `[N, 1]`. Output with `.integers`: int64 `[N, length]`, filled up with
///   0 and cut off, or as long as the longest text where `length` is nil; 0 stands for nothing, 1
///   for unknown words. Otherwise a vector of the vocabulary's size, unknown words first.
/// - Steps: `standardize`, `split`, `ngrams` (words in a row up to so many, joined by a space),
///   lookup.
/// - Graphs: what is split at white space without ngrams, in lower case or as it is, can be a part
///   of a graph (`StringNormalizer`, `StringSplit`, `LabelEncoder`). Punctuation cannot be taken
///   out by ONNX operators.
/// - Errors: `.usage` without a vocabulary; `.attribute`; `.unsupported` in a captured graph.
/// - Source: Keras 3 TextVectorization.
public final class TextVectorization: Layer {
  /// What is done to a text first.
  public enum Standardization: String, Sendable {
    case none, lower, stripPunctuation, lowerAndStripPunctuation
  }
  /// Where a text is cut: nowhere, at white space, or into scalars of Unicode.
  public enum Splitting: String, Sendable { case none, whitespace, character }

  /// What is done to a text first.
  public let standardization: Standardization
  /// Where it is cut.
  public let splitting: Splitting
  /// The most words of a category; nil for single ones.
  public let ngrams: Int?
  /// Numbers of a text; nil for as many as the longest has.
  public let length: Int?
  /// The words.
  public let lookup: StringLookup

  public init(
    _ vocabulary: [String] = [], limit: Int? = nil,
    standardize: Standardization = .lowerAndStripPunctuation, split: Splitting = .whitespace,
    ngrams: Int? = nil, output: CategoryOutput = .integers, length: Int? = nil,
    weights: [Double] = []
  ) throws(EngineError) {
    standardization = standardize
    splitting = split
    self.ngrams = ngrams
    self.length = length
    lookup = try StringLookup(
      vocabulary, mask: "", limit: limit, weights: weights, output: output)
    super.init()
    if let length { try checked(length, "the length of a text") }
    if let ngrams { try checked(ngrams, "the number of words in a row") }
    guard output != .oneHot else {
      throw EngineError(
        .attribute, "the layer has no such output",
        expected: "integers, multiHot, count, tfIDF", received: output.rawValue)
    }
  }

  /// The words of a text, as they are looked up.
  public func words(of text: String) -> [String] {
    var s = text
    if standardization == .lower || standardization == .lowerAndStripPunctuation {
      s = s.lowercased()
    }
    if standardization == .stripPunctuation || standardization == .lowerAndStripPunctuation {
      s = String(
        String.UnicodeScalarView(s.unicodeScalars.filter { !Self.punctuation.contains($0) }))
    }
    var list: [String]
    switch splitting {
    case .none: list = [s]
    case .whitespace:
      list = s.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }
    case .character: list = s.unicodeScalars.map { String($0) }
    }
    guard let ngrams, ngrams > 1 else { return list }
    let single = list
    for n in 2...ngrams where single.count >= n {
      for i in 0...single.count - n { list.append(single[i..<i + n].joined(separator: " ")) }
    }
    return list
  }

  /// ASCII's signs, as in Keras.
  private static let punctuation = Set("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'".unicodeScalars)

  /// Learns the vocabulary from texts, the most frequent words first.
  ///
  /// Errors: `.dtype` for other than strings, `.value` for no words.
  public func adapt(
    _ texts: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws { try adapting(file, line) { try adapt(to: texts) } }

  private func adapt(to texts: Tensor) throws {
    guard texts.dtype == .string else {
      throw EngineError(
        .dtype, "texts are cut into words", expected: "string", received: "\(texts.dtype)")
    }
    try lookup.learn(texts.strings.map { words(of: $0).map { .text($0) } })
  }

  /// Known words, in the order of their numbers.
  public var vocabulary: [String] { lookup.vocabulary }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 1...2)
    if shape.rank == 2 { try expect(shape, axis: 1, size: 1) }
    _ = try lookup.outputShape(for: [shape[0], length])
    return [shape[0], lookup.output == .integers ? length : lookup.depth]
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let flat = x.shape.rank == 2 ? try x.squeeze([1]) : x
    var words: Tensor
    let isPlain =
      splitting == .whitespace && ngrams == nil
      && (standardization == .none || standardization == .lower)
    if isPlain {
      words = try (standardization == .lower ? flat.lowercased() : flat).words()
    } else {
      try refuseCapture(
        "cutting texts so", hint: "set standardize to lower or none, split to whitespace")
      let lists = flat.strings.map { self.words(of: $0) }
      let most = lists.map(\.count).max() ?? 0
      words = try Tensor(
        shape: Shape(checking: [lists.count, most]),
        strings: lists.flatMap { $0 + Array(repeating: "", count: most - $0.count) })
    }
    if let length, lookup.output == .integers {
      // At least as many as are wanted, then no more.
      let rest = try Tensor(shape: [1, length], strings: Array(repeating: "", count: length))
      let fill = try rest.gather(flat.detachedRows(), axis: 0)
      words = try concat([words, fill], axis: 1).slice(1, from: 0, to: length)
    }
    return try lookup(words)
  }

  public override var configuration: [(name: String, value: String)] {
    [("words", "\(vocabulary.count)"), ("output", lookup.output.rawValue)]
  }
}

extension Tensor {
  /// A zero for each row, int64 `[N]`.
  fileprivate func detachedRows() throws -> Tensor {
    try filledBatch([], 0, dtype: .int64)
  }
}
