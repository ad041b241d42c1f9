import Glibc

/// Writes all of `text` to standard error.
func writeError(_ text: String) { write(text, to: STDERR_FILENO) }
/// Writes all of `text` to standard output; false when nobody reads it any more.
@discardableResult func writeOutput(_ text: String) -> Bool { write(text, to: STDOUT_FILENO) }

@discardableResult private func write(_ text: String, to fd: Int32) -> Bool {
  var text = text
  return text.withUTF8 { bytes in
    var done = 0
    while done < bytes.count {
      guard let base = bytes.baseAddress else { return true }
      let n = Glibc.write(fd, base + done, bytes.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        return false
      }
      done += n
    }
    return true
  }
}

/// What a person's terminal can show.
enum Terminal {
  static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1
  private static let wantsColor =
    getenv("NO_COLOR").map { $0.pointee == 0 } ?? true
    && getenv("TERM").map { String(cString: $0) != "dumb" } ?? false

  /// `text` in a colour, when standard output is a terminal that shows colours.
  static func color(_ code: Int, _ text: String) -> String {
    outputIsTerminal && wantsColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
  static func bold(_ text: String) -> String { color(1, text) }
  static func green(_ text: String) -> String { color(32, text) }
  static func red(_ text: String) -> String { color(31, text) }
  static func dim(_ text: String) -> String { color(2, text) }

  /// Columns of the terminal; 80 where it does not say.
  static var width: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
      ? Int(size.ws_col) : 80
  }
}

/// One line on standard error that is written over as work goes on; nothing where that is no
/// terminal.
struct Progress {
  private var shown = false
  private var last: UInt64 = 0

  mutating func show(_ text: @autoclosure () -> String) {
    guard Terminal.errorIsTerminal else { return }
    let now = nanoseconds()
    guard !shown || now - last > 100_000_000 else { return }
    last = now
    shown = true
    writeError("\r\u{1B}[K" + String(text().prefix(max(1, Terminal.width - 1))))
  }

  mutating func clear() {
    if shown { writeError("\r\u{1B}[K") }
    shown = false
  }
}

/// Rows of text in aligned columns.
struct Table {
  private let header: [String]
  private var rows: [[String]] = []
  /// Columns whose text stands at the right, as numbers do.
  private let right: Set<Int>

  init(_ header: [String], right: Set<Int> = []) {
    self.header = header
    self.right = right
  }
  mutating func add(_ row: [String]) { rows.append(row) }

  var text: String {
    var widths = header.map(\.count)
    for row in rows { for (i, c) in row.enumerated() { widths[i] = max(widths[i], c.count) } }
    func line(_ row: [String], _ style: (String) -> String) -> String {
      var cells: [String] = []
      for (i, c) in row.enumerated() {
        let pad = String(repeating: " ", count: widths[i] - c.count)
        cells.append(right.contains(i) ? pad + style(c) : style(c) + pad)
      }
      var text = cells.joined(separator: "  ")
      while text.hasSuffix(" ") { text.removeLast() }
      return text + "\n"
    }
    return line(header, Terminal.bold) + rows.map { line($0) { $0 } }.joined()
  }
}

/// Nanoseconds since some fixed moment.
func nanoseconds() -> UInt64 {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
}

/// `value` with a fixed number of digits after the point.
func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 9e15 else { return "\(value)" }
  let whole = Int(scaled)
  let sign = value < 0 && whole != 0 ? "-" : ""
  if digits == 0 { return "\(sign)\(whole)" }
  let fraction = "\(whole % Int(scale))"
  return "\(sign)\(whole / Int(scale))."
    + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// A size as people read it: `1.5 MiB`.
func readable(bytes: Int) -> String {
  if bytes < 1024 { return "\(bytes) B" }
  var value = Double(bytes) / 1024
  for unit in ["KiB", "MiB", "GiB"] {
    if value < 1024 { return "\(fixed(value, 1)) \(unit)" }
    value /= 1024
  }
  return "\(fixed(value, 1)) TiB"
}
