import Synchronization
import Tensors

/// Contexts of a plan that no run uses at the moment.
final class ContextPool: Sendable {
  private let idle = Mutex<[RunContext]>([])

  func take(_ plan: Plan, _ session: SessionState) throws(EngineError) -> RunContext {
    let context = idle.withLock { $0.popLast() } ?? RunContext(plan)
    context.use(try session.arenas.take(bytes: plan.arenaBytes), plan)
    return context
  }

  /// Keeps a few; the rest is freed.
  func give(_ context: RunContext, _ session: SessionState) {
    if let arena = context.releaseArena() { session.arenas.give(arena) }
    idle.withLock { if $0.count < 8 { $0.append(context) } }
  }
}
