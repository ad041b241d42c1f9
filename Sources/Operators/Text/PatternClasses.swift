import Tensors

/// Classes of characters, and characters behind a backslash.
extension PatternParser {
  /// `d`, `pL`, `p{Greek}` and the like, behind a backslash; nil, and nothing taken, otherwise.
  mutating func namedClass(ignoresCase: Bool) throws(EngineError) -> ScalarSet? {
    guard let s = next else { return nil }
    switch s {
    case "d", "D", "w", "W", "s", "S":
      at += 1
      let set: ScalarSet =
        switch s {
        case "d", "D": .digit
        case "w", "W": .word
        default: .space
        }
      let members = ignoresCase ? set.folded : set
      return s.properties.isUppercase ? members.inverted : members
    case "p", "P":
      at += 1
      return try unicodeClass(isInverted: s == "P", ignoresCase)
    default: return nil
    }
  }

  private mutating func unicodeClass(
    isInverted: Bool, _ ignoresCase: Bool
  ) throws(EngineError) -> ScalarSet {
    var isInverted = isInverted
    var name = ""
    if take("{") {
      if take("^") { isInverted.toggle() }
      while let s = next, s != "}" {
        name.unicodeScalars.append(s)
        at += 1
      }
      guard take("}") else { throw wrong("a class without an end") }
    } else if let s = next {
      name.unicodeScalars.append(s)
      at += 1
    }
    let key = "\(isInverted ? "P" : "p")\(ignoresCase ? "i" : "-")\(name)"
    if let known = classes[key] { return known }
    guard let set = ScalarSet(unicodeClass: name) else {
      throw wrong("no class of Unicode \(quotedText(name, limit: 40))")
    }
    let members = ignoresCase ? set.folded : set
    let result = isInverted ? members.inverted : members
    classes[key] = result
    return result
  }

  /// One character, behind a backslash. It may be a surrogate, which is in no text.
  mutating func escape() throws(EngineError) -> UInt32 {
    guard let s = next else { throw wrong("a backslash at the end") }
    at += 1
    switch s {
    case "a": return 0x07
    case "f": return 0x0C
    case "n": return 0x0A
    case "r": return 0x0D
    case "t": return 0x09
    case "v": return 0x0B
    case "x": return try hexadecimal()
    case "0"..."7":
      // Without more digits \1 to \7 are references back, which RE2 does not have.
      guard s == "0" || next.map({ ("0"..."7").contains($0) }) == true else {
        throw wrong("a reference")
      }
      var value = s.value - 0x30
      for _ in 0..<2 {
        guard let digit = next, ("0"..."7").contains(digit) else { break }
        value = value * 8 + digit.value - 0x30
        at += 1
      }
      return value
    default:
      // Letters and digits are kept for escapes.
      guard s.isASCII, !ScalarSet.word.contains(s.value) || s == "_" else {
        throw wrong("an escape that is not known")
      }
      return s.value
    }
  }

  private mutating func hexadecimal() throws(EngineError) -> UInt32 {
    let isLong = take("{")
    var value: UInt32 = 0
    var digits = 0
    while let s = next, let digit = s.properties.isASCIIHexDigit ? hexDigit(s) : nil,
      isLong || digits < 2
    {
      value = min(value * 16 + digit, 0x110000)
      digits += 1
      at += 1
    }
    guard !isLong || take("}"), isLong ? digits > 0 : digits == 2, value <= ScalarSet.last else {
      throw wrong("a code point")
    }
    return value
  }

  private func hexDigit(_ s: Unicode.Scalar) -> UInt32? {
    switch s {
    case "0"..."9": s.value - 0x30
    case "a"..."f": s.value - 0x61 + 10
    case "A"..."F": s.value - 0x41 + 10
    default: nil
    }
  }

  /// Behind the `[`.
  mutating func bracket(ignoresCase: Bool) throws(EngineError) -> ScalarSet {
    let isInverted = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while isFirst || next != "]" {
      isFirst = false
      guard next != nil else { throw wrong("a class without an end") }
      if let set = try posixClass(ignoresCase) {
        ranges += set.ranges
        continue
      }
      if take("\\") {
        if let set = try namedClass(ignoresCase: ignoresCase) {
          ranges += set.ranges
          continue
        }
        at -= 1
      }
      let low = try member()
      var high = low
      if next == "-", at + 1 < text.count, text[at + 1] != "]" {
        at += 1
        high = try member()
        guard high >= low else { throw wrong("a range that does not rise") }
      }
      let range = ScalarSet([low...high])
      ranges += (ignoresCase ? range.folded : range).ranges
    }
    at += 1
    let set = ScalarSet(ranges)
    return isInverted ? set.inverted : set
  }

  private mutating func member() throws(EngineError) -> UInt32 {
    guard let s = next else { throw wrong("a class without an end") }
    at += 1
    return s == "\\" ? try escape() : s.value
  }

  /// `[:name:]` or `[:^name:]`; nil, and nothing taken, for a bracket that means itself.
  private mutating func posixClass(_ ignoresCase: Bool) throws(EngineError) -> ScalarSet? {
    let start = at
    guard take("[:") else { return nil }
    var name = ""
    while at < text.count, !(text[at] == ":" && at + 1 < text.count && text[at + 1] == "]") {
      name.unicodeScalars.append(text[at])
      at += 1
    }
    guard take(":]") else {
      at = start
      return nil
    }
    let isInverted = name.hasPrefix("^")
    if isInverted { name.removeFirst() }
    guard let set = ScalarSet(posixClass: name) else {
      throw wrong("no class \(quotedText(name, limit: 40))")
    }
    let members = ignoresCase ? set.folded : set
    return isInverted ? members.inverted : members
  }
}
