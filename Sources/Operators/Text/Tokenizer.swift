import Graphs
import Tensors

/// Each string cut into tokens along a new last axis, padded to one number.
///
/// - `X`: strings `[C]` or `[N, C]`. `Y`: strings `X.shape + [D]`, D the most tokens of a string, and
///   two more with `mark`; where no string has any token D is 0, and an X without elements comes back
///   as it is.
/// - `separators`: patterns; what they match falls away, one after the other, and what lies between
///   is a token. One empty separator: every code point is a token. `tokenexp`: a pattern; its
///   matches are the tokens. Patterns are those of `TextPattern`; of the matches at the first place
///   the longest counts, and an empty one skips a code point.
/// - `mincharnum`: shorter tokens are left out, in code points. `mark`: 1: the text starts with
///   U+0002 and ends with U+0003. `pad_value`: what follows the tokens.
/// - Errors: `.attribute` without separators and `tokenexp`, or for an illegal pattern; `.shape` for
///   other ranks.
/// - Source: com.microsoft Tokenizer 1, ONNX Runtime 1.32.
public struct Tokenizer: Operator {
  public let separators: [TextPattern]
  public let token: TextPattern?
  public let byCharacter: Bool
  public let minimum: Int
  public let padding: String
  public let marks: Bool

  public static let schema = Schema(
    "Tokenizer", domain: "com.microsoft", versions: [1], inputs: [Parameter("X", .string)],
    outputs: [Parameter("Y", .string)],
    attributes: [
      AttributeSpec("mark", .int, "1: marks start and end; default 0"),
      AttributeSpec("mincharnum", .int, "least code points of a token; default 0"),
      AttributeSpec("pad_value", .string, "what follows the tokens; default empty"),
      AttributeSpec("separators", .strings, "patterns that fall away, or"),
      AttributeSpec("tokenexp", .string, "the pattern of tokens"),
    ],
    cases: {
      let x = try Tensor(shape: [2], strings: ["Hello World", "I love é it"])
      return [
        .init(try Tokenizer(separators: [" "], minimum: 2, padding: "#"), [x]),
        .init(try Tokenizer(separators: [""], marks: true), [x]),
        .init(try Tokenizer(token: "[a-z]+", padding: "-"), [try x.reshaped([1, 2])]),
      ]
    })

  /// Errors: `.attribute` without separators and token, or for an illegal pattern.
  public init(
    separators: [String] = [], token: String? = nil, minimum: Int = 1, padding: String = "",
    marks: Bool = false
  ) throws(EngineError) {
    byCharacter = separators == [""]
    guard !separators.isEmpty || token != nil else {
      throw EngineError(.attribute, "one of 'separators' and 'tokenexp' must be given")
    }
    var list: [TextPattern] = []
    if byCharacter || token == nil {
      for s in separators { list.append(try TextPattern(s)) }
    }
    self.separators = list
    if let token, !byCharacter { self.token = try TextPattern(token) } else { self.token = nil }
    self.minimum = minimum
    self.padding = padding
    self.marks = marks
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      separators: a.strings("separators", default: []),
      token: a.has("tokenexp") ? a.string("tokenexp", default: "") : nil,
      minimum: a.int("mincharnum", default: 0), padding: a.string("pad_value", default: ""),
      marks: a.bool("mark", default: false))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [
      .bool("mark", marks), .int("mincharnum", minimum), .string("pad_value", padding),
    ]
    if !separators.isEmpty { list.append(.strings("separators", separators.map(\.source))) }
    if let token { list.append(.string("tokenexp", token.source)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let dims = c.dims(0) else { return [Fact(.string, nil)] }
    guard dims.count == 1 || dims.count == 2 else {
      throw EngineError(
        .shape, "expected strings of one or two axes", expected: "[C] or [N, C]",
        received: "\(dims)")
    }
    if dims.contains(where: { $0.known == 0 }) { return [Fact(.string, dims)] }
    // Whether a size of 0 removes the new axis is known only where sizes are.
    let isSettled = dims.allSatisfy { $0.known != nil }
    return [Fact(.string, isSettled ? dims + [c.unknown()] : nil)]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    _ = try infer(Inference(inputs: [Fact(x.type)]))
    if x.count == 0 { return [.tensor(x)] }
    var rows: [[String]] = []
    rows.reserveCapacity(x.count)
    for text in x.strings { rows.append(tokens(text)) }
    let most = rows.reduce(0) { max($0, $1.count) }
    let width = most == 0 ? 0 : most + (marks ? 2 : 0)
    let shape = try Shape(checking: x.shape.array + [width])
    try e.runner?.reserve(bytes: shape.count * 16)
    var strings: [String] = []
    strings.reserveCapacity(shape.count)
    if width > 0 {
      for row in rows {
        if marks { strings.append("\u{2}") }
        strings += row
        if marks { strings.append("\u{3}") }
        for _ in row.count..<most { strings.append(padding) }
      }
    }
    return [.tensor(try Tensor(shape: shape, strings: strings))]
  }

  private func tokens(_ text: String) -> [String] {
    if byCharacter {
      return minimum > 1 ? [] : text.unicodeScalars.map { String($0) }
    }
    let scalars = text.unicodeScalars.map(\.value)
    var parts: [[UInt32]] = []
    if let token {
      var at = 0
      while at < scalars.count, let match = token.firstMatch(in: scalars, from: at) {
        if !match.isEmpty && match.count >= minimum { parts.append(Array(scalars[match])) }
        at = max(match.upperBound, match.lowerBound + 1)
      }
    } else {
      parts = scalars.isEmpty ? [] : [scalars]
      for pattern in separators { parts = parts.flatMap { split($0, pattern) } }
    }
    return parts.map { part in
      var view = String.UnicodeScalarView()
      for v in part { if let s = Unicode.Scalar(v) { view.append(s) } }
      return String(view)
    }
  }

  private func split(_ scalars: [UInt32], _ pattern: TextPattern) -> [[UInt32]] {
    var parts: [[UInt32]] = []
    func keep(_ range: Range<Int>) {
      if !range.isEmpty && range.count >= minimum { parts.append(Array(scalars[range])) }
    }
    var at = 0
    while at < scalars.count, let match = pattern.firstMatch(in: scalars, from: at) {
      keep(at..<match.lowerBound)
      at = max(match.upperBound, match.lowerBound + 1)
    }
    if at < scalars.count { keep(at..<scalars.count) }
    return parts
  }
}
