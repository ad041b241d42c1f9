/// Swift or C source without what a text search must not find.
enum Code {
  /// The source with comments and the contents of string literals as spaces; lines stay lines.
  ///
  /// Multi-line and raw strings are handled; code interpolated into a string is blanked with it.
  static func bare(_ text: String) -> String {
    let input = Array(text.utf8)
    var out = input
    var i = 0
    func blank(_ range: Range<Int>) {
      for k in range where out[k] != UInt8(ascii: "\n") { out[k] = UInt8(ascii: " ") }
    }
    func starts(_ word: StaticString, at k: Int) -> Bool {
      let count = word.utf8CodeUnitCount
      guard k + count <= input.count else { return false }
      for j in 0..<count where input[k + j] != word.utf8Start[j] { return false }
      return true
    }
    while i < input.count {
      let start = i
      if starts("//", at: i) {
        while i < input.count && input[i] != UInt8(ascii: "\n") { i += 1 }
        blank(start..<i)
      } else if starts("/*", at: i) {
        i += 2
        while i < input.count && !starts("*/", at: i) { i += 1 }
        i = min(i + 2, input.count)
        blank(start..<i)
      } else if starts("\"\"\"", at: i) {
        i += 3
        while i < input.count && !starts("\"\"\"", at: i) { i += starts("\\", at: i) ? 2 : 1 }
        i = min(i + 3, input.count)
        blank(start + 1..<max(start + 1, i - 1))
      } else if input[i] == UInt8(ascii: "\"") {
        i = endOfString(input, from: i + 1)
        blank(start + 1..<max(start + 1, i - 1))
      } else {
        i += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Behind the quote that closes the literal whose contents begin at `from`, interpolations with
  /// strings of their own included, or the end of the line.
  private static func endOfString(_ input: [UInt8], from: Int) -> Int {
    var i = from
    while i < input.count && input[i] != UInt8(ascii: "\n") {
      switch input[i] {
      case UInt8(ascii: "\\") where i + 1 < input.count && input[i + 1] == UInt8(ascii: "("):
        i += 2
        var depth = 1
        while depth > 0 && i < input.count && input[i] != UInt8(ascii: "\n") {
          switch input[i] {
          case UInt8(ascii: "("): depth += 1
          case UInt8(ascii: ")"): depth -= 1
          case UInt8(ascii: "\""):
            i = endOfString(input, from: i + 1)
            continue
          default: break
          }
          i += 1
        }
      case UInt8(ascii: "\\"): i += 2
      case UInt8(ascii: "\""): return i + 1
      default: i += 1
      }
    }
    return min(i, input.count)
  }

  /// The modules that the source imports, in order.
  static func imports(_ text: String) -> [String] {
    bare(text).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
      guard let at = words.firstIndex(of: "import"), at <= 1, at + 1 < words.count else {
        return nil
      }
      // `import struct Module.Name` and `import Module.Part` name their module before the dot.
      let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "typealias",
      ]
      let name =
        kinds.contains(words[at + 1]) && at + 2 < words.count ? words[at + 2] : words[at + 1]
      return name.split(separator: ".").first.map(String.init)
    }
  }

  /// The numbers, from 1, of the lines of bare code that hold `word`.
  static func lines(of word: String, in bare: String) -> [Int] {
    bare.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .filter { $0.element.contains(word) }.map { $0.offset + 1 }
  }
}
