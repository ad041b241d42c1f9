import Graphs
import Tensors

/// Each string cut at a delimiter into substrings, padded with empty ones to one number.
///
/// - `X`: strings, any shape.
/// - `delimiter`: default and "": runs of white space, which also do not count at either end.
///   `maxsplit`: cuts at most so many times; the rest stays whole; default: no limit.
/// - Outputs: `Y` strings `X.shape + [most]`; `Z` int64 of X's shape, the number of substrings.
/// - Source: ONNX StringSplit 20.
public struct StringSplit: Operator {
  public let delimiter: String
  public let maxSplit: Int?

  public static let schema = Schema(
    "StringSplit", versions: [20], inputs: [Parameter("X", .string, "T1")],
    outputs: [Parameter("Y", .string, "T2"), Parameter("Z", .int64, "T3")],
    attributes: [
      AttributeSpec("delimiter", .string, "default: white space"),
      AttributeSpec("maxsplit", .int, "most cuts; default: no limit"),
    ],
    cases: {
      let x = try Tensor(shape: [2], strings: ["a.b.c", " d  e"])
      return [
        .init(StringSplit(), [x], outputCount: 2),
        .init(StringSplit(delimiter: ".", maxSplit: 1), [x], outputCount: 2),
      ]
    })

  public init(delimiter: String = "", maxSplit: Int? = nil) {
    self.delimiter = delimiter
    self.maxSplit = maxSplit
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    delimiter = try a.string("delimiter", default: "")
    maxSplit = try a.optionalInt("maxsplit")
  }
  public var attributes: [Attribute] {
    (delimiter.isEmpty ? [] : [.string("delimiter", delimiter)])
      + (maxSplit.map { [.int("maxsplit", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.string, c.dims(0).map { $0 + [c.unknown()] }), Fact(.int64, c.dims(0))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let limit = maxSplit.map { $0 < 0 ? Int.max : $0 } ?? Int.max
    let mark = Array(delimiter.utf8)
    let parts = x.strings.map { text in
      mark.isEmpty ? words(text, limit) : pieces(Array(text.utf8), mark, limit)
    }
    let most = parts.reduce(0) { max($0, $1.count) }
    var strings: [String] = []
    for p in parts { strings += p + Array(repeating: "", count: most - p.count) }
    let shape = try Shape(checking: x.shape.array + [most])
    return [
      .tensor(try Tensor(shape: shape, strings: strings)),
      .tensor(try Tensor(shape: x.shape, parts.map { Int64($0.count) })),
    ]
  }

  /// Byte by byte: no code point lies within another in UTF-8.
  private func pieces(_ text: [UInt8], _ mark: [UInt8], _ limit: Int) -> [String] {
    var list: [String] = []
    var start = 0
    var i = 0
    while i + mark.count <= text.count && list.count < limit {
      if text[i..<i + mark.count].elementsEqual(mark) {
        list.append(String(decoding: text[start..<i], as: UTF8.self))
        i += mark.count
        start = i
      } else {
        i += 1
      }
    }
    return list + [String(decoding: text[start...], as: UTF8.self)]
  }

  private func words(_ text: String, _ limit: Int) -> [String] {
    func isSpace(_ s: Unicode.Scalar) -> Bool {
      s.properties.isWhitespace || (0x1C...0x1F).contains(s.value)
    }
    var list: [String] = []
    var rest = text.unicodeScalars[...]
    while true {
      rest = rest.drop(while: isSpace)
      if rest.isEmpty { return list }
      if list.count == limit { return list + [String(rest)] }
      let word = rest.prefix { !isSpace($0) }
      list.append(String(word))
      rest = rest[word.endIndex...]
    }
  }
}
