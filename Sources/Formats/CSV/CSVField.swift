import Glibc
import Tensors

/// One cell as it lies in the block.
struct CSVField {
  /// The content, without its quotes.
  var from: UnsafePointer<UInt8>
  var to: UnsafePointer<UInt8>
  /// The byte behind the delimiter or line end.
  var next: UnsafePointer<UInt8>
  var isQuoted = false
  /// Whether the content holds doubled quotes.
  var isEscaped = false
  var isLastInRow = false
  /// Line ends within the quotes.
  var newlines = 0

  /// Finds the end of the cell at `p`; nil when the block ends before the cell does.
  ///
  /// Errors: `.malformed` for a quote that is never closed or is followed by text.
  init?(
    at p: UnsafePointer<UInt8>, in input: CSVInput, delimiter: UInt8, line: Int
  ) throws(EngineError) {
    let end = input.end
    var q = p
    from = p
    if p < end && p.pointee == 0x22 {
      isQuoted = true
      q += 1
      from = q
      while true {
        if q >= end {
          if !input.isAtEnd { return nil }
          throw EngineError(
            .malformed, "a quote is opened and never closed",
            subject: .init(file: input.name, line: line))
        }
        let c = q.pointee
        q += 1
        if c == 0x0A { newlines += 1 }
        if c != 0x22 { continue }
        if q >= end && !input.isAtEnd { return nil }
        if q < end && q.pointee == 0x22 {
          isEscaped = true
          q += 1
        } else {
          break
        }
      }
      to = q - 1
    } else {
      while q < end && q.pointee != delimiter && q.pointee != 0x0A && q.pointee != 0x0D { q += 1 }
      to = q
    }
    if q >= end {
      if !input.isAtEnd { return nil }
      next = end
      isLastInRow = true
      return
    }
    switch q.pointee {
    case delimiter: next = q + 1
    case 0x0A:
      next = q + 1
      isLastInRow = true
    case 0x0D:
      if q + 1 == end && !input.isAtEnd { return nil }
      next = q + 1 < end && q[1] == 0x0A ? q + 2 : q + 1
      isLastInRow = true
    default:
      throw EngineError(
        .malformed, "text follows a closing quote", expected: "a delimiter or the end of the line",
        received: "'\(Character(Unicode.Scalar(q.pointee)))'",
        subject: .init(file: input.name, line: line))
    }
  }

  /// The content without the blanks around it, for numbers.
  var trimmed: (from: UnsafePointer<UInt8>, to: UnsafePointer<UInt8>) {
    var (a, b) = (from, to)
    while a < b && (a.pointee == 0x20 || a.pointee == 0x09) { a += 1 }
    while a < b && (b[-1] == 0x20 || b[-1] == 0x09) { b -= 1 }
    return (a, b)
  }

  /// The content as text, doubled quotes made single; nil when it is not UTF-8.
  var text: String? {
    let raw = UnsafeBufferPointer(start: from, count: to - from)
    if !isEscaped { return String(validating: raw, as: UTF8.self) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var i = 0
    while i < raw.count {
      bytes.append(raw[i])
      i += raw[i] == 0x22 ? 2 : 1
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The beginning of the content, for an error.
  var excerpt: String {
    let shown = UnsafeBufferPointer(start: from, count: min(to - from, 40))
    return "'" + String(decoding: shown, as: UTF8.self) + (to - from > 40 ? "...'" : "'")
  }
}
