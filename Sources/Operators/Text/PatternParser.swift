import Tensors

/// Reads a regular expression.
struct PatternParser {
  private let text: [Unicode.Scalar]
  private var at = 0
  private var depth = 0

  init(_ source: String) { text = Array(source.unicodeScalars) }

  private var next: Unicode.Scalar? { at < text.count ? text[at] : nil }

  private mutating func take(_ s: Unicode.Scalar) -> Bool {
    guard next == s else { return false }
    at += 1
    return true
  }

  private func wrong(_ what: String) -> EngineError {
    EngineError(
      .attribute, "illegal pattern: \(what) at character \(at)",
      received: quotedText(String(String.UnicodeScalarView(text)), limit: 80))
  }
  private func unknown(_ what: String) -> EngineError {
    EngineError(.unsupported, "patterns with \(what) are not known here")
  }

  mutating func parse() throws(EngineError) -> PatternNode {
    let tree = try choice()
    guard at == text.count else { throw wrong("a ')' too many") }
    return tree
  }

  private mutating func choice() throws(EngineError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 200 else { throw wrong("groups nested too deep") }
    var list = [try sequence()]
    while take("|") { list.append(try sequence()) }
    return list.count == 1 ? list[0] : .choice(list)
  }

  private mutating func sequence() throws(EngineError) -> PatternNode {
    var list: [PatternNode] = []
    while let s = next, s != "|", s != ")" { list.append(try quantified()) }
    return .sequence(list)
  }

  private mutating func quantified() throws(EngineError) -> PatternNode {
    let node = try atom()
    let counts: (Int, Int?)
    if take("*") {
      counts = (0, nil)
    } else if take("+") {
      counts = (1, nil)
    } else if take("?") {
      counts = (0, 1)
    } else if let given = try braces() {
      counts = given
    } else {
      return node
    }
    // Whether it is greedy does not matter to a match of the whole.
    _ = take("?")
    if let s = next, s == "*" || s == "+" || s == "?" { throw wrong("a quantifier of another") }
    return .repeated(node, counts.0, counts.1)
  }

  /// `{m}`, `{m,}` or `{m,n}`; nil, and nothing taken, for a brace that means itself.
  private mutating func braces() throws(EngineError) -> (Int, Int?)? {
    let start = at
    guard take("{"), let least = number() else {
      at = start
      return nil
    }
    var most: Int? = least
    if take(",") { most = number() }
    guard take("}") else {
      at = start
      return nil
    }
    guard least <= 1000, most ?? least <= 1000, least <= most ?? least else {
      throw wrong("counts that do not rise to 1000 at most")
    }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let s = next, ("0"..."9").contains(s) {
      value = min((value ?? 0) * 10 + Int(s.value - 0x30), 100_000)
      at += 1
    }
    return value
  }

  private mutating func atom() throws(EngineError) -> PatternNode {
    guard let s = next else { throw wrong("the end") }
    at += 1
    switch s {
    case ".": return .set(.allButNewline)
    case "^": return .assertion(.start)
    case "$": return .assertion(.end)
    case "[": return .set(try bracket())
    case "(": return try group()
    case "*", "+", "?": throw wrong("a quantifier of nothing")
    case "\\":
      switch next {
      case "b": at += 1; return .assertion(.wordEdge)
      case "B": at += 1; return .assertion(.noWordEdge)
      case "A": at += 1; return .assertion(.start)
      case "z": at += 1; return .assertion(.end)
      default: return .set(try escape())
      }
    default: return .set(ScalarSet(ranges: [s.value...s.value]))
    }
  }

  private mutating func group() throws(EngineError) -> PatternNode {
    if take("?") {
      if take("P") || next == "<" {
        guard take("<") else { throw wrong("a group") }
        while let s = next, s != ">" {
          guard s.isASCII, ScalarSet.word.contains(s.value) else { throw wrong("a name") }
          at += 1
        }
        guard take(">") else { throw wrong("a name without an end") }
      } else if !take(":") {
        throw unknown("flags")
      }
    }
    let node = try choice()
    guard take(")") else { throw wrong("a group without an end") }
    return node
  }

  /// What follows a backslash: one code point or a class.
  private mutating func escape() throws(EngineError) -> ScalarSet {
    guard let s = next else { throw wrong("a backslash at the end") }
    at += 1
    func one(_ value: UInt32) -> ScalarSet { ScalarSet(ranges: [value...value]) }
    switch s {
    case "d": return .digit
    case "w": return .word
    case "s": return .space
    case "D": return ScalarSet(ranges: ScalarSet.digit.ranges, isNegated: true)
    case "W": return ScalarSet(ranges: ScalarSet.word.ranges, isNegated: true)
    case "S": return ScalarSet(ranges: ScalarSet.space.ranges, isNegated: true)
    case "n": return one(0x0A)
    case "t": return one(0x09)
    case "r": return one(0x0D)
    case "f": return one(0x0C)
    case "v": return one(0x0B)
    case "a": return one(0x07)
    case "x": return one(try hexadecimal())
    default:
      // RE2 keeps letters and digits for escapes of its own.
      if s.isASCII && ScalarSet.word.contains(s.value) && s != "_" { throw unknown("\\\(s)") }
      return one(s.value)
    }
  }

  private mutating func hexadecimal() throws(EngineError) -> UInt32 {
    let isLong = take("{")
    var digits = ""
    while let s = next, s.properties.isASCIIHexDigit, digits.utf8.count < (isLong ? 6 : 2) {
      digits.unicodeScalars.append(s)
      at += 1
    }
    guard !isLong || take("}"), isLong || digits.utf8.count == 2,
      let value = UInt32(digits, radix: 16), value <= 0x10FFFF
    else { throw wrong("a code point") }
    return value
  }

  private mutating func bracket() throws(EngineError) -> ScalarSet {
    let isNegated = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while isFirst || next != "]" {
      isFirst = false
      guard let s = next else { throw wrong("a class without an end") }
      at += 1
      if s == "[" && next == ":" { throw unknown("[[:classes:]]") }
      let low = s == "\\" ? try escape() : ScalarSet(ranges: [s.value...s.value])
      guard let first = low.ranges.first, low.ranges.count == 1, !low.isNegated,
        first.count == 1, next == "-", at + 1 < text.count, text[at + 1] != "]"
      else {
        ranges += low.plainRanges
        continue
      }
      at += 1
      guard let e = next else { throw wrong("a class without an end") }
      at += 1
      let high = e == "\\" ? try escape() : ScalarSet(ranges: [e.value...e.value])
      guard let last = high.ranges.first, high.ranges.count == 1, !high.isNegated,
        last.count == 1, last.lowerBound >= first.lowerBound
      else { throw wrong("a range that does not rise") }
      ranges.append(first.lowerBound...last.lowerBound)
    }
    at += 1
    return ScalarSet(ranges: ranges, isNegated: isNegated)
  }
}
