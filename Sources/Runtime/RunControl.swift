import Glibc
import Synchronization
import Tensors

/// Ends runs from outside: by request, or at a deadline. Checked between operators.
public final class RunControl: Sendable {
  private let cancelled = Atomic<Bool>(false)
  /// Nanoseconds of the monotonic clock; nil for no deadline.
  private let deadline: UInt64?
  /// Ends this one's runs too when it is cancelled.
  private let parent: RunControl?

  /// A control without a deadline. Cancelling `parent` cancels this one, and `parent`'s deadline
  /// holds for it too.
  public init(parent: RunControl? = nil) {
    self.parent = parent
    deadline = nil
  }

  /// A run may take `seconds` from now on; nil, infinity and what exceeds thirty years mean as long
  /// as it needs.
  ///
  /// Errors: `.usage` for NaN and for less than 0.
  public init(seconds: Double?, parent: RunControl? = nil) throws(EngineError) {
    self.parent = parent
    guard let seconds else {
      deadline = nil
      return
    }
    guard seconds >= 0 else {
      throw EngineError(
        .usage, "a deadline is not a length of time", expected: "0 seconds or more",
        received: "\(seconds)")
    }
    deadline = seconds < 1e9 ? monotonicNanoseconds() &+ UInt64(seconds * 1e9) : nil
  }

  /// The same with a `Duration`: `RunControl(timeout: .milliseconds(50))`.
  ///
  /// Errors: `.usage` for less than zero.
  public convenience init(timeout: Duration, parent: RunControl? = nil) throws(EngineError) {
    let (seconds, attoseconds) = timeout.components
    try self.init(seconds: Double(seconds) + Double(attoseconds) * 1e-18, parent: parent)
  }

  /// Asks every run that uses this control to end with `.cancelled`.
  public func cancel() { cancelled.store(true, ordering: .relaxed) }
  public var isCancelled: Bool {
    cancelled.load(ordering: .relaxed) || parent?.isCancelled == true
  }

  /// Errors: `.cancelled`, `.deadline`.
  public func check() throws(EngineError) {
    if let parent { try parent.check() }
    if cancelled.load(ordering: .relaxed) {
      throw EngineError(.cancelled, "the run was cancelled")
    }
    if let deadline, monotonicNanoseconds() > deadline {
      throw EngineError(.deadline, "the run's deadline passed")
    }
  }
}

/// Nanoseconds since some fixed moment.
func monotonicNanoseconds() -> UInt64 {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return UInt64(t.tv_sec) &* 1_000_000_000 &+ UInt64(t.tv_nsec)
}
