import Glibc
import Training

/// Shows how far training is on standard error: one line an epoch, drawn over while it runs where
/// that is a terminal, written once at its end elsewhere.
///
/// - Drawn ten times a second at most, so it costs next to nothing; cut off at the terminal's
///   width.
public final class ProgressBar: Callback {
  private let isTerminal: Bool
  private var last = 0.0
  private var start = 0.0
  /// Whether the cursor stands behind a line that is drawn over.
  private var isOpen = false

  public override init() {
    isTerminal = isatty(STDERR_FILENO) == 1
    super.init()
  }

  public override var watchesBatches: Bool { isTerminal }

  private static func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  public override func epochBegins(_ state: FitState) {
    start = Self.now()
    last = 0
  }

  public override func batchEnds(_ state: FitState) {
    let now = Self.now()
    guard now - last >= 0.1 else { return }
    last = now
    let line = Self.line(state, done: state.batch + 1, seconds: now - start, width: width)
    draw(line, ends: false)
  }

  public override func epochEnds(_ state: FitState) {
    let seconds = Self.now() - start
    let line = Self.line(state, done: state.batch, seconds: seconds, width: width, ends: true)
    draw(line, ends: true)
  }

  public override func trainingEnds(_ state: FitState) {
    // A line that an error or a person broke off is left as it is.
    if isOpen { Self.write("\n") }
    isOpen = false
  }

  /// `epoch 2/5 [=====     ] 120/400 3.1s loss: 0.21, ...` in so many columns. How wide the bar is
  /// follows from the width alone, so that nothing moves; where columns are few it is left out,
  /// then the last figures are. When the epoch is done, the line has its time and figures.
  static func line(
    _ state: FitState, done: Int, seconds: Double, width: Int = 79, ends: Bool = false
  ) -> String {
    let head = "epoch \(state.epoch + 1)/\(state.epochs) "
    let tenths = Int((min(seconds, 1e9) * 10).rounded())
    let time = "\(tenths / 10).\(tenths % 10)s "
    if ends { return cut(head + time, state.logs, width) }
    guard let count = state.batchCount, count > 0 else {
      return cut("\(head)\(done) \(time)", state.logs, width)
    }
    let number = "\(done)"
    let padding = String(repeating: " ", count: max("\(count)".count - number.count, 0))
    let rest = "\(padding)\(number)/\(count) \(time)"
    let room = width >= 90 ? 20 : width >= 70 ? 10 : width >= 56 ? 5 : 0
    guard room > 0 else { return cut(head + rest, state.logs, width) }
    let filled = min(done, count) * room / count
    let bar = String(repeating: "=", count: filled)
    let empty = String(repeating: " ", count: room - filled)
    return cut("\(head)[\(bar)\(empty)] \(rest)", state.logs, width)
  }

  /// As many whole figures as there is room for.
  private static func cut(_ head: String, _ logs: Logs, _ width: Int) -> String {
    var text = head
    var isFirst = true
    for (name, value) in logs {
      let part = (isFirst ? "" : ", ") + "\(name): \(short(value))"
      guard text.count + part.count <= width else { break }
      text += part
      isFirst = false
    }
    return String(text.prefix(width))
  }

  private static func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let n = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      // Nobody reads: nothing to do about it.
      guard n > 0 else { return }
      bytes = bytes.dropFirst(n)
    }
  }

  private var width: Int {
    guard isTerminal else { return .max }
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 10
    // The last column stays free: some terminals go to the next line behind it.
    return known ? Int(size.ws_col) - 1 : 79
  }

  private func draw(_ line: String, ends: Bool) {
    guard isTerminal else {
      if ends { Self.write(line + "\n") }
      return
    }
    isOpen = !ends
    // What was there is written over, and only what is left of it erased: nothing flickers.
    Self.write("\r" + line + "\u{1B}[K" + (ends ? "\n" : ""))
  }
}
