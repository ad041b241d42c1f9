import Graphs
import Kernels
import Tensors

/// Runs `body` with operators and optimisers on several threads, the caller's included. Work is
/// split over results and never over a sum, so the bits are those of one thread.
///
/// - `count`: nil for as many as affinity and the CPU quota allow. Outside, one thread works.
/// - Errors: `.usage` for a count below 1.
public func withThreads<R>(_ count: Int? = nil, _ body: () throws -> R) throws -> R {
  let threads = count ?? ThreadPool.defaultThreadCount
  guard threads >= 1 else {
    throw EngineError(
      .usage, "work needs a thread", expected: "1 or more, or nil", received: "\(threads)")
  }
  let context = TapeContext.current
  let before = context.eager
  let pool = ThreadPool(threads: threads)
  context.eager = Eager(
    pool: pool, options: KernelOptions(exact: before.options.exact, threads: pool.threads))
  defer { context.eager = before }
  return try body()
}

/// Runs `body` with only those kernels that are as accurate as plain summation: no fast convolution
/// whose rounding could move a value over a kink.
public func withExactKernels<R>(_ body: () throws -> R) rethrows -> R {
  let context = TapeContext.current
  let before = context.eager
  context.eager = Eager(
    pool: before.pool, options: KernelOptions(exact: true, threads: before.options.threads))
  defer { context.eager = before }
  return try body()
}
