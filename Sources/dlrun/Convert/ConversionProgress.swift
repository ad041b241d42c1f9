/// A line on standard error that says how far a conversion is, where that is a terminal.
struct ConversionProgress {
  /// What to give a conversion; nil where nobody looks.
  static var report: (@Sendable (String, Double) -> Void)? {
    guard Terminal.errorIsTerminal else { return nil }
    return { text, part in
      let percent = Int((min(max(part, 0), 1) * 100).rounded())
      writeError("\r\u{1B}[K\(percent) %  \(text.suffix(70))")
    }
  }

  /// Clears the line.
  static func end() { if Terminal.errorIsTerminal { writeError("\r\u{1B}[K") } }
}
