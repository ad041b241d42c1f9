import CAllocationCounter
import Kernels
import Synchronization
import Tensors

@testable import Runtime

/// Allocations while `body` runs, by the calling thread and by all workers of `pool`.
func allocations(on pool: ThreadPool, _ body: () throws -> Void) rethrows -> Int {
  let total = Atomic<Int>(0)
  // A piece waits for the others, so that each thread has one.
  func onEach(_ work: () -> Void) {
    let arrived = Atomic<Int>(0)
    pool.run(pool.threads) { _ in
      arrived.wrappingAdd(1, ordering: .relaxed)
      while arrived.load(ordering: .relaxed) < pool.threads {}
      work()
    }
  }
  onEach { allocation_counter_start() }
  defer { onEach { _ = allocation_counter_stop() } }
  try body()
  onEach { total.wrappingAdd(Int(allocation_counter_stop()), ordering: .relaxed) }
  return total.load(ordering: .relaxed)
}

/// Whether allocations mean anything in this build: debug builds put on the heap what others keep
/// in registers, and sanitizers have allocators of their own.
var countsAllocations: Bool {
  var isDebug = false
  assert(
    {
      isDebug = true
      return true
    }())
  return allocation_counter_works() != 0 && !isDebug
}

extension PreparedRun {
  /// Allocations of runs in steady state with these inputs, and the outputs. The pool is the
  /// session's.
  func steadyAllocations(
    _ inputs: [Tensor?], pool: ThreadPool, runs: Int = 3
  ) throws -> (count: Int, outputs: [Tensor]) {
    var outputs: [Tensor] = []
    for (i, t) in inputs.enumerated() { if let t { bindInput(i, t.storage.bytes) } }
    for (i, type) in outputTypes.enumerated() {
      let memory = try Storage(type)
      bindOutput(i, memory.bytes)
      outputs.append(Tensor(memory))
    }
    try run()
    let count = try allocations(on: pool) { for _ in 0..<runs { try run() } }
    withExtendedLifetime(inputs) {}
    return (count, outputs)
  }
}
