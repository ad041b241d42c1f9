import Synchronization
import Tensors

/// Contexts of a plan that no run uses at the moment.
final class ContextPool: Sendable {
  private let idle = Mutex<[RunContext]>([])

  func take(_ plan: Plan, _ session: SessionState) throws(EngineError) -> RunContext {
    if let context = idle.withLock({ $0.popLast() }) { return context }
    return try RunContext(plan, session)
  }

  /// Keeps a few; the rest is freed.
  func give(_ context: RunContext) {
    idle.withLock { if $0.count < 8 { $0.append(context) } }
  }
}
