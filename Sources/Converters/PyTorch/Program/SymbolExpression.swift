import Graphs

/// The text of a symbolic size, as SymPy writes it: `Mul(Integer(2), Symbol('s0'))` since torch
/// 2.5, `2*s0` before.
///
/// What the grammar does not know becomes a symbol of its own, named after its text: sizes that are
/// equal stay equal.
struct SymbolExpression {
  private let text: [UInt8]
  private var at = 0
  private var depth = 0

  /// The size that `text` stands for.
  static func dim(_ text: String) -> Dim {
    var parser = SymbolExpression(text: Array(text.utf8))
    guard text.utf8.count <= 4096, let value = parser.sum(), parser.peek() == nil else {
      return Dim(symbol: text.count <= 60 ? text : "expr_\(parser.fingerprint())")
    }
    return value
  }

  private init(text: [UInt8]) { self.text = text }

  private func fingerprint() -> String {
    var h: UInt64 = 14_695_981_039_346_656_037
    for b in text { h = (h ^ UInt64(b)) &* 1_099_511_628_211 }
    return String(h, radix: 16)
  }

  private mutating func peek() -> UInt8? {
    while at < text.count, text[at] == 0x20 { at += 1 }
    return at < text.count ? text[at] : nil
  }
  private mutating func take(_ c: Character) -> Bool {
    guard peek() == c.asciiValue else { return false }
    at += 1
    return true
  }

  private mutating func sum() -> Dim? {
    depth += 1
    defer { depth -= 1 }
    guard depth < 60, var value = product() else { return nil }
    while true {
      if take("+") {
        guard let next = product() else { return nil }
        value = value + next
      } else if take("-") {
        guard let next = product() else { return nil }
        value = value - next
      } else {
        return value
      }
    }
  }

  private mutating func product() -> Dim? {
    guard var value = atom() else { return nil }
    while true {
      if take("*") {
        if take("*") {
          guard let power = atom()?.known, power >= 0, power <= 8 else { return nil }
          value = (0..<power).reduce(Dim(1)) { product, _ in product * value }
        } else {
          guard let next = atom() else { return nil }
          value = value * next
        }
      } else if take("/") {
        guard take("/"), let next = atom() else { return nil }
        value = value / next
      } else {
        return value
      }
    }
  }

  private mutating func atom() -> Dim? {
    if take("(") {
      guard let value = sum(), take(")") else { return nil }
      return value
    }
    if take("-") { return atom().map { $0 * Dim(-1) } }
    guard let first = peek() else { return nil }
    if first >= 0x30, first <= 0x39 { return number() }
    guard let name = word() else { return nil }
    return take("(") ? call(name) : Dim(symbol: name)
  }

  private mutating func number() -> Dim? {
    var digits = ""
    while at < text.count, text[at] >= 0x30, text[at] <= 0x39 {
      digits.unicodeScalars.append(Unicode.Scalar(text[at]))
      at += 1
    }
    return Int(digits).map { Dim($0) }
  }

  private mutating func word() -> String? {
    var name = ""
    while at < text.count {
      let c = text[at]
      let isWord =
        c == 0x5F || (c >= 0x30 && c <= 0x39) || (c | 0x20 >= 0x61 && c | 0x20 <= 0x7A)
      guard isWord else { break }
      name.unicodeScalars.append(Unicode.Scalar(c))
      at += 1
    }
    return name.isEmpty ? nil : name
  }

  /// The rest of a call, behind its parenthesis.
  private mutating func call(_ name: String) -> Dim? {
    if name == "Symbol" {
      guard take("'"), let symbol = word(), take("'") else { return nil }
      // Assumptions such as `positive=True` follow.
      while let c = peek(), c != 0x29 { at += 1 }
      return take(")") ? Dim(symbol: symbol) : nil
    }
    var values: [Dim] = []
    while !take(")") {
      guard let value = sum() else { return nil }
      values.append(value)
      _ = take(",")
    }
    guard let first = values.first else { return nil }
    switch (name, values.count) {
    case ("Integer", 1), ("ToFloat", 1): return first
    case ("Add", _): return values.dropFirst().reduce(first, +)
    case ("Mul", _): return values.dropFirst().reduce(first, *)
    case ("FloorDiv", 2), ("CleanDiv", 2): return first / values[1]
    case ("Mod", 2), ("PythonMod", 2): return first - first / values[1] * values[1]
    case ("Max", 2): return Dim.max(first, values[1])
    case ("Min", 2): return Dim.min(first, values[1])
    default: return nil
    }
  }
}
