import Tensors

/// Reads the part of YAML that settings are written in, as JSON values.
///
/// Read are mappings and sequences by indentation, `- key: value`, `[a, b]` and `{a: 1}` on one
/// line,
/// plain, `'single'` and `"double"` quoted scalars, comments, one `---` at the beginning. Plain
/// scalars are null (`null`, `~`, nothing), `true`, `false`, whole and real numbers, or text, as in
/// YAML 1.2's core schema: `no` is text. Refused by name are anchors, aliases, tags, block scalars,
/// several documents and tabs in the indentation.
///
/// Errors: `.malformed` with the line; `.unsupported` for what is refused; `.budget` for nesting
/// deeper than 64.
///
/// Source: YAML 1.2.2. A parser of our own, since the one for Swift links Foundation, which
/// makes the command three times as large and several times as slow to start.
public struct YAMLParser {
  private struct Line {
    let number: Int
    let indent: Int
    let text: Substring
  }

  private var lines: [Line] = []
  private var at = 0

  public static func parse(_ text: String) throws(EngineError) -> JSONValue {
    var parser = YAMLParser()
    try parser.split(text)
    guard let first = parser.lines.first else { return [:] }
    let value = try parser.block(first.indent, depth: 0)
    if parser.at < parser.lines.count {
      throw parser.fail(parser.lines[parser.at], "the indentation does not fit what is above")
    }
    return value
  }

  private func fail(
    _ line: Line, _ what: String, code: EngineError.Code = .malformed
  ) -> EngineError {
    EngineError(
      code, what, received: "'\(line.text.prefix(60))'", subject: .init(line: line.number))
  }

  private mutating func split(_ text: String) throws(EngineError) {
    var number = 0
    for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let body = Self.withoutComment(raw)
      let indent = body.prefix { $0 == " " }.count
      let rest = body.dropFirst(indent)
      if rest.allSatisfy({ $0 == " " || $0 == "\t" }) { continue }
      let line = Line(number: number, indent: indent, text: Self.trimmed(rest))
      if rest.hasPrefix("\t") { throw fail(line, "a tab indents the line, where spaces must") }
      if line.text == "---" && lines.isEmpty { continue }
      if line.text == "---" || line.text == "..." {
        throw fail(line, "a file holds one document", code: .unsupported)
      }
      lines.append(line)
    }
  }

  private static func trimmed(_ s: Substring) -> Substring {
    var s = s.drop { $0 == " " || $0 == "\t" }
    while let last = s.last, last == " " || last == "\t" { s.removeLast() }
    return s
  }

  /// The line up to a `#` that stands outside quotes, at its beginning or after a blank.
  private static func withoutComment(_ line: Substring) -> Substring {
    var quote: Character?
    var before: Character = " "
    var i = line.startIndex
    while i < line.endIndex {
      let c = line[i]
      if let open = quote {
        if open == "\"", c == "\\" {
          line.formIndex(after: &i)
          if i == line.endIndex { break }
        } else if c == open {
          quote = nil
        }
      } else if c == "#", before == " " || before == "\t" {
        return line[..<i]
      } else if c == "\"" || c == "'", " \t[{,:".contains(before) {
        quote = c
      }
      before = c
      line.formIndex(after: &i)
    }
    return line
  }

  /// What begins at the line at hand, all of it indented as far.
  private mutating func block(_ indent: Int, depth: Int) throws(EngineError) -> JSONValue {
    let line = lines[at]
    guard depth < 64 else { throw fail(line, "nested too deep", code: .budget) }
    if line.text == "-" || line.text.hasPrefix("- ") { return try sequence(indent, depth) }
    if Self.keyEnd(line.text) != nil { return try mapping(indent, depth) }
    at += 1
    return try scalar(line.text, line)
  }

  private mutating func sequence(_ indent: Int, _ depth: Int) throws(EngineError) -> JSONValue {
    var items: [JSONValue] = []
    while at < lines.count, lines[at].indent == indent,
      lines[at].text == "-" || lines[at].text.hasPrefix("- ")
    {
      let line = lines[at]
      let rest = line.text.dropFirst().drop { $0 == " " }
      if rest.isEmpty {
        at += 1
        items.append(try nested(below: indent, depth))
      } else {
        // What stands behind the dash is a line of its own, further in.
        let inner = indent + line.text.count - rest.count
        lines[at] = Line(number: line.number, indent: inner, text: rest)
        items.append(try block(inner, depth: depth + 1))
      }
    }
    return .array(items)
  }

  private mutating func mapping(_ indent: Int, _ depth: Int) throws(EngineError) -> JSONValue {
    var object = JSONObject()
    while at < lines.count, lines[at].indent == indent {
      let line = lines[at]
      guard let end = Self.keyEnd(line.text) else {
        throw fail(line, "not 'name: value'")
      }
      let name = try scalar(Self.trimmed(line.text[..<end]), line)
      let key: String
      switch name {
      case .string(let s): key = s
      case .int(let i): key = "\(i)"
      case .bool(let b): key = "\(b)"
      default: throw fail(line, "no name for a setting")
      }
      guard object[key] == nil else { throw fail(line, "'\(key)' stands here twice") }
      let rest = Self.trimmed(line.text[line.text.index(after: end)...])
      at += 1
      if rest.isEmpty {
        // A list may stand as far in as its name.
        let isList =
          at < lines.count && lines[at].indent == indent
          && (lines[at].text == "-" || lines[at].text.hasPrefix("- "))
        object.append(
          key, isList ? try sequence(indent, depth + 1) : try nested(below: indent, depth))
      } else {
        object.append(key, try scalar(rest, line))
      }
    }
    return .object(object)
  }

  private mutating func nested(below indent: Int, _ depth: Int) throws(EngineError) -> JSONValue {
    guard at < lines.count, lines[at].indent > indent else { return .null }
    return try block(lines[at].indent, depth: depth + 1)
  }

  /// Where the `:` behind a key stands.
  private static func keyEnd(_ text: Substring) -> Substring.Index? {
    var i = text.startIndex
    guard let first = text.first, !"[{".contains(first) else { return nil }
    if first == "\"" || first == "'" {
      i = text.index(after: i)
      while i < text.endIndex, text[i] != first {
        if first == "\"", text[i] == "\\" { text.formIndex(after: &i) }
        if i < text.endIndex { text.formIndex(after: &i) }
      }
    }
    while i < text.endIndex {
      if text[i] == ":" {
        let next = text.index(after: i)
        if next == text.endIndex || text[next] == " " || text[next] == "\t" { return i }
      }
      text.formIndex(after: &i)
    }
    return nil
  }

  private func scalar(_ text: Substring, _ line: Line) throws(EngineError) -> JSONValue {
    var flow = YAMLFlow(text, line: line.number)
    return try flow.whole()
  }
}
