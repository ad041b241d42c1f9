import Graphs
import Tensors

/// Strings without stop words, in one case.
///
/// - `X`: strings `[C]` or `[1, C]`. Output: what remains, in order; one empty string where nothing
///   does.
/// - `stopwords`: default none. `is_case_sensitive`: whether stop words are told by case; default 0.
///   `case_change_action`: LOWER, UPPER or NONE (default), for what remains. `locale`: read and
///   kept; case follows Unicode's rules for all languages alike.
/// - Errors: `.shape` for other shapes, `.attribute` for `case_change_action`.
/// - Source: ONNX StringNormalizer 10. As in its text, an element is a stop word whole or not at
///   all, and accents stay.
public struct StringNormalizer: Operator {
  public let action: String
  public let isCaseSensitive: Bool
  public let stopWords: [String]
  public let locale: String

  public static let schema = Schema(
    "StringNormalizer", versions: [10], inputs: [Parameter("X", .string, "")],
    outputs: [Parameter("Y", .string, "")],
    attributes: [
      AttributeSpec("case_change_action", .string, "LOWER, UPPER or NONE; default NONE"),
      AttributeSpec("is_case_sensitive", .int, "stop words are told by case; default 0"),
      AttributeSpec("stopwords", .strings, "words to drop; default none"),
      AttributeSpec("locale", .string, "not used"),
    ],
    cases: {
      let x = try Tensor(shape: [3], strings: ["Monday", "is", "Fun"])
      return [
        .init(StringNormalizer(action: "LOWER", stopWords: ["monday"]), [x]),
        .init(StringNormalizer(isCaseSensitive: true, stopWords: ["fun"]), [x]),
      ]
    })

  public init(
    action: String = "NONE", isCaseSensitive: Bool = false, stopWords: [String] = [],
    locale: String = ""
  ) {
    self.action = action
    self.isCaseSensitive = isCaseSensitive
    self.stopWords = stopWords
    self.locale = locale
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    action = try a.string(
      "case_change_action", default: "NONE", oneOf: ["NONE", "LOWER", "UPPER"])
    isCaseSensitive = try a.bool("is_case_sensitive", default: false)
    stopWords = try a.strings("stopwords", default: [])
    locale = try a.string("locale", default: "")
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [
      .string("case_change_action", action), .bool("is_case_sensitive", isCaseSensitive),
    ]
    if !stopWords.isEmpty { list.append(.strings("stopwords", stopWords)) }
    if !locale.isEmpty { list.append(.string("locale", locale)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let dims = c.dims(0) else { return [Fact(.string, nil)] }
    guard dims.count == 1 || (dims.count == 2 && dims[0].known ?? 1 == 1) else {
      throw EngineError(
        .shape, "expected a list of strings", expected: "[C] or [1, C]", received: "\(dims)")
    }
    return [Fact(.string, dims.count == 1 ? [c.unknown()] : [1, c.unknown()])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    _ = try infer(Inference(inputs: [Fact(x.type)]))
    func key(_ s: String) -> [UInt8] { Array((isCaseSensitive ? s : s.lowercased()).utf8) }
    let stops = Set(stopWords.map(key))
    var kept = x.strings.filter { !stops.contains(key($0)) }
    if kept.isEmpty { kept = [""] }
    switch action {
    case "LOWER": kept = kept.map { $0.lowercased() }
    case "UPPER": kept = kept.map { $0.uppercased() }
    default: break
    }
    let shape: Shape = x.shape.rank == 1 ? [kept.count] : [1, kept.count]
    return [.tensor(try Tensor(shape: shape, strings: kept))]
  }
}
