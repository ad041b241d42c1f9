import CKernels
import Tensors

/// Swift's own calling convention hands the closure over as its two words: no copy is made and
/// nothing is allocated, which `withoutActuallyEscaping` would do.
@_silgen_name("dl_pool_run")
private func runPieces(
  _ pool: OpaquePointer, _ pieces: Int, _ slots: Int, _ body: (_ piece: Int, _ slot: Int) -> Void)

/// Runs pieces of one operator's work on several threads.
///
/// The caller takes part. A pool serves one job at a time: who finds it busy, another thread or a
/// piece that starts a job of its own, runs its pieces itself, so callers never wait for each
/// other and there are never more running threads than callers and workers. Workers look for work
/// for about 100 microseconds after a job and then sleep. `run` allocates nothing.
///
/// The pieces of a job fall into one stretch for each thread, in order; who is done with its own
/// takes from the end of another's. So a thread meets the same part of every tensor again, which lies
/// in its own cache, as long as neighbouring pieces work on neighbouring memory.
public final class ThreadPool: @unchecked Sendable {
  /// Threads that take part in `run`, the caller's included.
  public let threads: Int
  /// Nil when there are no workers.
  private let core: OpaquePointer?

  /// Starts `threads - 1` workers; fewer where the system refuses.
  public init(threads: Int) {
    let core = threads > 1 ? dl_pool_create(Int32(clamping: threads)) : nil
    self.core = core
    self.threads = core.map { Int(dl_pool_threads($0)) } ?? 1
  }

  /// Ends and joins the workers.
  deinit { if let core { dl_pool_destroy(core) } }

  /// A pool without workers: everything runs on the caller.
  public static let single = ThreadPool(threads: 1)

  /// The CPUs this process may use: its affinity mask, limited by the CPU quotas of its control
  /// groups (rounded up). At least 1.
  public static let defaultThreadCount = max(1, Int(dl_cpu_count()))

  /// Calls `body(0)` to `body(pieces - 1)`, each once, in any order and on any thread, and returns
  /// when all are done. Pieces must write to disjoint memory. A call from within a piece runs
  /// its pieces on the calling thread.
  public func run(_ pieces: Int, _ body: (Int) -> Void) {
    guard let core, pieces > 1 else {
      var i = 0
      while i < pieces {
        body(i)
        i += 1
      }
      return
    }
    runPieces(core, pieces, threads) { piece, _ in body(piece) }
  }

  /// Calls `body(piece, slot)` for each of so many pieces, as `run` does, on `slots` threads at most,
  /// with slots from 0 on: pieces of one slot never run at the same time, so each slot may have
  /// memory of its own.
  public func run(_ pieces: Int, slots: Int, _ body: (_ piece: Int, _ slot: Int) -> Void) {
    guard let core, pieces > 1, slots > 1 else {
      var i = 0
      while i < pieces {
        body(i, 0)
        i += 1
      }
      return
    }
    runPieces(core, pieces, slots, body)
  }
}
