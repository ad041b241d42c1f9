import Tensors

/// Runs pieces of one operator's work on several threads.
public final class ThreadPool: @unchecked Sendable {
  /// Threads that take part in `run`, the caller's included.
  public let threads: Int

  public init(threads: Int) { self.threads = max(1, threads) }

  /// A pool without workers: everything runs on the caller.
  public static let single = ThreadPool(threads: 1)

  /// Threads the process may use.
  public static var defaultThreadCount: Int { 2 }

  /// Calls `body(0)` to `body(pieces - 1)`, each once, in any order and on any thread, and returns
  /// when all are done. Pieces must write to disjoint memory. A call from within a piece runs
  /// its pieces on the calling thread.
  @inlinable public func run(_ pieces: Int, _ body: (Int) -> Void) {
    for i in 0..<pieces { body(i) }
  }
}
