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

  /// A run may take `seconds` from now on; nil for as long as it needs. Cancelling `parent`
  /// cancels this one.
  public init(seconds: Double? = nil, parent: RunControl? = nil) {
    self.parent = parent
    if let seconds, seconds.isFinite, seconds < 1e9 {
      deadline = monotonicNanoseconds() &+ UInt64(max(0, seconds) * 1e9)
    } else {
      deadline = nil
    }
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
