import Tensors

/// Reads a regular expression of RE2's syntax.
struct PatternParser {
  var text: [Unicode.Scalar]
  var at = 0
  private var depth = 0
  private var flags = Flags()
  /// Classes of Unicode met before, by name and by whether they ignore case: some are long.
  var classes: [String: ScalarSet] = [:]

  struct Flags {
    var ignoresCase = false
    /// `^` and `$` also hold at the ends of lines.
    var hasLines = false
    var dotTakesNewline = false
  }

  /// Groups may stand in each other so deep; the parser calls itself for each.
  static let maxDepth = 250
  /// Largest count, and largest product of the counts of quantifiers around each other.
  static let maxCount = 1000

  init(_ source: String) { text = Array(source.unicodeScalars) }

  var next: Unicode.Scalar? { at < text.count ? text[at] : nil }

  mutating func take(_ s: Unicode.Scalar) -> Bool {
    guard next == s else { return false }
    at += 1
    return true
  }
  mutating func take(_ word: String) -> Bool {
    let wanted = Array(word.unicodeScalars)
    guard text.count - at >= wanted.count, text[at..<at + wanted.count].elementsEqual(wanted)
    else { return false }
    at += wanted.count
    return true
  }

  func wrong(_ what: String) -> EngineError {
    EngineError(
      .attribute, "illegal pattern: \(what) at character \(at)",
      received: quotedText(String(String.UnicodeScalarView(text)), limit: 80))
  }

  mutating func parse() throws(EngineError) -> PatternNode {
    let (tree, _) = try choice()
    guard at == text.count else { throw wrong("a ')' too many") }
    return tree
  }

  /// Alternatives up to a `)` or the end, and the largest product of counts within.
  private mutating func choice() throws(EngineError) -> (PatternNode, Int) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= PatternParser.maxDepth else {
      throw EngineError(
        .budget, "the pattern's groups are nested too deep",
        expected: "at most \(PatternParser.maxDepth)")
    }
    var (first, most) = try sequence()
    var list = [first]
    while take("|") {
      let count: Int
      (first, count) = try sequence()
      list.append(first)
      most = max(most, count)
    }
    return (list.count == 1 ? list[0] : .choice(list), most)
  }

  private mutating func sequence() throws(EngineError) -> (PatternNode, Int) {
    // Each with the largest product of counts within it.
    var list: [(node: PatternNode, count: Int)] = []
    var isQuantified = false
    while let s = next, s != "|", s != ")" {
      let wasQuantified = isQuantified
      isQuantified = false
      if let (least, most) = try quantifier() {
        // Whether it is greedy does not matter to a match of the whole.
        _ = take("?")
        if wasQuantified { throw wrong("a quantifier of another") }
        guard let (node, count) = list.last else { throw wrong("a quantifier of nothing") }
        let product = count * max(least, most ?? least, 1)
        guard product <= PatternParser.maxCount else {
          throw wrong("counts beyond \(PatternParser.maxCount)")
        }
        list[list.count - 1] = (.repeated(node, least, most), product)
        isQuantified = true
      } else if take("\\Q") {
        while at < text.count, !take("\\E") {
          at += 1
          list.append((.set(literal(text[at - 1].value)), 1))
        }
      } else if let setting = try flagsAlone() {
        flags = setting
      } else {
        list.append(try atom())
      }
    }
    return (.sequence(list.map(\.node)), list.reduce(1) { max($0, $1.count) })
  }

  private mutating func quantifier() throws(EngineError) -> (Int, Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    return try braces()
  }

  /// `{m}`, `{m,}` or `{m,n}`; nil, and nothing taken, for a brace that means itself.
  private mutating func braces() throws(EngineError) -> (Int, Int?)? {
    let start = at
    guard take("{"), let least = number() else {
      at = start
      return nil
    }
    var most: Int? = least
    if take(",") {
      let digits = at
      most = number()
      // A number with a zero in front is none.
      if most == nil && at != digits {
        at = start
        return nil
      }
    }
    guard take("}") else {
      at = start
      return nil
    }
    guard least <= PatternParser.maxCount, most ?? least <= PatternParser.maxCount,
      least <= most ?? least
    else { throw wrong("counts that do not rise to \(PatternParser.maxCount) at most") }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    let start = at
    while let s = next, ("0"..."9").contains(s) {
      value = min((value ?? 0) * 10 + Int(s.value - 0x30), 100_000)
      at += 1
    }
    return text[start..<at].first == "0" && at - start > 1 ? nil : value
  }

  /// One that no quantifier has been applied to.
  private mutating func atom() throws(EngineError) -> (PatternNode, Int) {
    guard let s = next else { throw wrong("the end") }
    at += 1
    switch s {
    case ".": return (.set(flags.dotTakesNewline ? .all : ScalarSet.newline.inverted), 1)
    case "^": return (.assertion(flags.hasLines ? .lineStart : .start), 1)
    case "$": return (.assertion(flags.hasLines ? .lineEnd : .end), 1)
    case "[": return (.set(try bracket(ignoresCase: flags.ignoresCase)), 1)
    case "(": return try group()
    case "\\":
      if take("b") { return (.assertion(.wordEdge), 1) }
      if take("B") { return (.assertion(.noWordEdge), 1) }
      if take("A") { return (.assertion(.start), 1) }
      if take("z") { return (.assertion(.end), 1) }
      if take("C") {
        throw EngineError(.unsupported, "patterns with \\C, a single byte, are not known here")
      }
      if let set = try namedClass(ignoresCase: flags.ignoresCase) { return (.set(set), 1) }
      return (.set(literal(try escape())), 1)
    default: return (.set(literal(s.value)), 1)
    }
  }

  private func literal(_ scalar: UInt32) -> ScalarSet {
    let set = ScalarSet(scalar)
    return flags.ignoresCase ? set.folded : set
  }

  /// Behind the `(`.
  private mutating func group() throws(EngineError) -> (PatternNode, Int) {
    let outside = flags
    if take("?") {
      if take("P<") || take("<") {
        try name()
      } else {
        flags = try setting()
        guard take(":") else { throw wrong("a group") }
      }
    }
    let result = try choice()
    guard take(")") else { throw wrong("a group without an end") }
    flags = outside
    return result
  }

  /// `(?flags)`, which hold up to the end of the group; nil, and nothing taken, for anything else.
  private mutating func flagsAlone() throws(EngineError) -> Flags? {
    let start = at
    guard take("(?"), next != "P", next != "<" else {
      at = start
      return nil
    }
    let result = try setting()
    if take(")") { return result }
    at = start
    return nil
  }

  /// The letters between `(?` and `:` or `)`.
  private mutating func setting() throws(EngineError) -> Flags {
    var result = flags
    var isOn = true
    var isOpen = false
    while let s = next, s != ":", s != ")" {
      at += 1
      switch s {
      case "i": result.ignoresCase = isOn
      case "m": result.hasLines = isOn
      case "s": result.dotTakesNewline = isOn
      // Which of several matches is taken does not matter to a match of the whole.
      case "U": break
      case "-" where isOn:
        isOn = false
        isOpen = true
        continue
      default: throw wrong("a flag")
      }
      isOpen = false
    }
    if isOpen || next == nil { throw wrong("flags without an end") }
    return result
  }

  /// Names do not matter to a match, but are checked. RE2 lets two groups share one.
  private mutating func name() throws(EngineError) {
    let start = at
    while let s = next, s != ">" {
      guard PatternParser.nameScalars.contains(s.value) else { throw wrong("a name") }
      at += 1
    }
    guard at > start, take(">") else { throw wrong("a name without an end") }
  }

  private static let nameScalars = ScalarSet(
    ["L", "Mn", "Mc", "Nd", "Nl", "Pc"].compactMap { ScalarSet(unicodeClass: $0) }
      .flatMap(\.ranges))
}
