import Glibc
import Training

/// Shows how far training is on standard error: one line an epoch, drawn over while it runs where
/// that is a terminal, written once at its end elsewhere.
///
/// - Drawn ten times a second at most, so it costs next to nothing. What does not fit into the
///   terminal's width is made shorter: see `ProgressLine`.
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

  public override func epochBegins(_ state: FitState) {
    start = monotonicSeconds()
    last = start
  }

  public override func batchEnds(_ state: FitState) {
    let now = monotonicSeconds(coarse: true)
    guard now - last >= 0.1 else { return }
    last = now
    let line = line(state).running(
      done: state.batch + 1, of: state.batchCount, seconds: now - start)
    draw(line, ends: false)
  }

  public override func epochEnds(_ state: FitState) {
    draw(line(state).ended(seconds: monotonicSeconds() - start), ends: true)
  }

  private func line(_ state: FitState) -> ProgressLine {
    ProgressLine(epoch: state.epoch, epochs: state.epochs, logs: state.logs, width: width)
  }

  public override func trainingEnds(_ state: FitState) {
    // A line that an error or a person broke off is left as it is.
    if isOpen { Self.write("\n") }
    isOpen = false
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
