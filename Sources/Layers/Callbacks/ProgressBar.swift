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
    draw(Self.line(state, done: state.batch + 1, seconds: now - start), ends: false)
  }

  public override func epochEnds(_ state: FitState) {
    let seconds = Self.now() - start
    draw(Self.line(state, done: state.batchCount ?? state.batch, seconds: seconds), ends: true)
  }

  public override func trainingEnds(_ state: FitState) {
    if isTerminal, last > 0, state.isStopped || state.epoch < state.epochs { Self.write("\n") }
  }

  /// `epoch 2/5 [=====>    ] 120/400 3.1s loss: 0.21, ...`.
  static func line(_ state: FitState, done: Int, seconds: Double) -> String {
    var text = "epoch \(state.epoch + 1)/\(state.epochs) "
    if let count = state.batchCount, count > 0 {
      let filled = min(done, count) * 20 / count
      let bar = String(repeating: "=", count: filled)
      text += "[\(bar)\(String(repeating: " ", count: 20 - filled))] \(done)/\(count) "
    } else {
      text += "\(done) "
    }
    return text + "\((seconds * 10).rounded() / 10)s \(state.logs)"
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

  private func draw(_ line: String, ends: Bool) {
    guard isTerminal else {
      if ends { Self.write(line + "\n") }
      return
    }
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 10
    let width = known ? Int(size.ws_col) - 1 : 79
    Self.write("\r\u{1B}[K" + line.prefix(width) + (ends ? "\n" : ""))
  }
}
