import Glibc
import Synchronization
import Tensors

/// Contexts of a plan that no run uses at the moment.
final class ContextPool: Sendable {
  private let idle = Mutex<[RunContext]>([])

  func take(_ plan: Plan) throws(EngineError) -> RunContext {
    if let context = idle.withLock({ $0.popLast() }) { return context }
    return try RunContext(plan)
  }

  /// Keeps a few; the rest is freed.
  func give(_ context: RunContext) {
    idle.withLock { if $0.count < 8 { $0.append(context) } }
  }
}

func allocateAligned(_ bytes: Int) -> UnsafeMutableRawPointer? {
  var memory: UnsafeMutableRawPointer?
  return posix_memalign(&memory, Storage.alignment, bytes) == 0 ? memory : nil
}

func freeAligned(_ memory: UnsafeMutableRawPointer) { free(memory) }
