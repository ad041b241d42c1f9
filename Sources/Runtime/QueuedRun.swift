import Synchronization
import Tensors

/// A run that a task waits for: it is begun by a thread of a queue, or ended by cancellation.
final class QueuedRun<Result: Sendable>: QueueEntry {
  typealias Outcome = Swift.Result<Result, EngineError>
  typealias Work = @Sendable (RunControl) throws(EngineError) -> Result

  private enum State {
    case new
    case waiting(CheckedContinuation<Outcome, Never>, Work)
    /// Begun, or cancelled.
    case settled
  }
  private let state = Mutex(State.new)
  private let control: RunControl

  init(_ control: RunControl) { self.control = control }

  /// Puts the run into the queue. `continuation` is resumed once.
  func enter(
    _ queue: RunQueue, _ work: @escaping Work, _ continuation: CheckedContinuation<Outcome, Never>
  ) {
    let isNew = state.withLock { s in
      guard case .new = s else { return false }
      s = .waiting(continuation, work)
      return true
    }
    guard isNew else {
      continuation.resume(returning: .failure(Self.cancelled))
      return
    }
    if !queue.add(self) {
      take()?.0.resume(
        returning: .failure(
          EngineError(.unavailable, "the system gives no thread for an async run")))
    }
  }

  func begin() {
    guard let (continuation, work) = take() else { return }
    let outcome: Outcome
    do throws(EngineError) {
      // The deadline may have passed while the run waited.
      try control.check()
      outcome = .success(try work(control))
    } catch { outcome = .failure(error) }
    continuation.resume(returning: outcome)
  }

  /// Ends the run between two operators, or at once when it has not begun.
  func cancel() {
    control.cancel()
    take()?.0.resume(returning: .failure(Self.cancelled))
  }

  /// What waits, for the first who asks.
  private func take() -> (CheckedContinuation<Outcome, Never>, Work)? {
    state.withLock { s in
      defer { s = .settled }
      guard case .waiting(let continuation, let work) = s else { return nil }
      return (continuation, work)
    }
  }

  private static var cancelled: EngineError {
    EngineError(.cancelled, "the run was cancelled before it began")
  }
}
