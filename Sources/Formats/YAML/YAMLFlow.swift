import Tensors

/// A value on one line of YAML: a scalar, `[a, b]` or `{a: 1}`.
struct YAMLFlow {
  private let characters: [Character]
  private let line: Int
  private var at = 0

  init(_ text: Substring, line: Int) {
    characters = Array(text)
    self.line = line
  }

  private func fail(_ what: String, code: EngineError.Code = .malformed) -> EngineError {
    EngineError(
      code, what, received: "'\(String(characters.prefix(60)))'", subject: .init(line: line))
  }

  private var here: Character? { at < characters.count ? characters[at] : nil }
  private mutating func skipBlanks() {
    while let c = here, c == " " || c == "\t" { at += 1 }
  }

  /// The value, with nothing behind it.
  mutating func whole() throws(EngineError) -> JSONValue {
    let made = try value(inside: false, depth: 0)
    skipBlanks()
    guard at == characters.count else { throw fail("something stands behind the value") }
    return made
  }

  private mutating func value(inside: Bool, depth: Int) throws(EngineError) -> JSONValue {
    guard depth < 64 else { throw fail("nested too deep", code: .budget) }
    skipBlanks()
    switch here {
    case "[": return try list(depth)
    case "{": return try object(depth)
    case "\"", "'": return .string(try quoted())
    case "&", "*", "!", "|", ">", "%", "@", "`":
      throw fail(
        "anchors, aliases, tags and block scalars are not read; put text in quotes",
        code: .unsupported)
    default: return Self.plain(plainText(inside: inside))
    }
  }

  private mutating func plainText(inside: Bool) -> String {
    var text = ""
    while let c = here {
      if inside, ",]}".contains(c) { break }
      if inside, c == ":" {
        let next = at + 1 < characters.count ? characters[at + 1] : " "
        if next == " " || next == "\t" { break }
      }
      text.append(c)
      at += 1
    }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }

  /// Source: YAML 1.2.2, 10.3.2.
  private static func plain(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    if text.utf8.allSatisfy({ "+-0123456789".utf8.contains($0) }), let i = Int64(text) {
      return .int(i)
    }
    if text.utf8.allSatisfy({ "+-.eE0123456789".utf8.contains($0) }),
      text.utf8.contains(where: { "0123456789".utf8.contains($0) }), let d = Double(text)
    {
      return .double(d)
    }
    return .string(text)
  }

  private mutating func quoted() throws(EngineError) -> String {
    let quote = characters[at]
    at += 1
    var text = ""
    while let c = here {
      at += 1
      if c == quote {
        guard quote == "'", here == "'" else { return text }
        at += 1
        text.append("'")
      } else if c == "\\", quote == "\"" {
        switch here {
        case "n": text.append("\n")
        case "t": text.append("\t")
        case "\"", "\\", "/": text.append(characters[at])
        default: throw fail("only \\n, \\t, \\\", \\\\ and \\/ are read in quotes")
        }
        at += 1
      } else {
        text.append(c)
      }
    }
    throw fail("a quote is never closed")
  }

  private mutating func list(_ depth: Int) throws(EngineError) -> JSONValue {
    at += 1
    var items: [JSONValue] = []
    skipBlanks()
    if here == "]" {
      at += 1
      return .array([])
    }
    while true {
      items.append(try value(inside: true, depth: depth + 1))
      skipBlanks()
      let c = here
      at += 1
      if c == "]" { return .array(items) }
      guard c == "," else { throw fail("a list is never closed with ]") }
    }
  }

  private mutating func object(_ depth: Int) throws(EngineError) -> JSONValue {
    at += 1
    var made = JSONObject()
    skipBlanks()
    if here == "}" {
      at += 1
      return .object(made)
    }
    while true {
      skipBlanks()
      let key = here == "\"" || here == "'" ? try quoted() : plainText(inside: true)
      skipBlanks()
      guard here == ":", !key.isEmpty else { throw fail("not {name: value}") }
      at += 1
      guard made[key] == nil else { throw fail("'\(key)' stands here twice") }
      made.append(key, try value(inside: true, depth: depth + 1))
      skipBlanks()
      let c = here
      at += 1
      if c == "}" { return .object(made) }
      guard c == "," else { throw fail("{ is never closed") }
    }
  }
}
