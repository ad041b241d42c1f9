import Tensors

/// Runs for tasks.
///
/// Each takes the arguments of the blocking run of its name and gives the same bits. The task is
/// suspended while a thread of the session's queue (`SessionOptions.queue`) runs the model, so no
/// thread of Swift's is blocked, and at most `RunQueue.threads` such runs take place at once.
/// Cancelling the task ends the run between two operators with `.cancelled`; one that has not begun
/// ends at once. A deadline counts from when its `RunControl` was made, waiting included; a run
/// whose deadline passed while it waited ends when its turn comes.
///
/// A model that takes microseconds gains nothing from a thread of its own: call the blocking `run`
/// from a synchronous function.
extension Session {
  /// Errors: as the blocking `run`; `.unavailable` when the system gives no thread.
  nonisolated(nonsending)
    public func run(
      _ inputs: [String: Tensor], outputs: [String]? = nil, control: RunControl? = nil,
      profiler: Profiler? = nil
    ) async throws(EngineError) -> Outputs
  {
    try await queued(control) { (control) throws(EngineError) in
      try self.run(inputs, outputs: outputs, control: control, profiler: profiler)
    }
  }

  /// The same with sequences, optionals and maps among the inputs.
  nonisolated(nonsending)
    public func run(
      values: [String: Value], outputs: [String]? = nil, control: RunControl? = nil,
      profiler: Profiler? = nil
    ) async throws(EngineError) -> Outputs
  {
    try await queued(control) { (control) throws(EngineError) in
      try self.run(values: values, outputs: outputs, control: control, profiler: profiler)
    }
  }

  /// The same with values in the order of `inputs`, into memory that the tensors `into` keep alive.
  nonisolated(nonsending)
    public func run(
      ordered inputs: [Value?], into targets: [Tensor?] = [], mustFit: Bool = true,
      only wanted: [Int]? = nil, control: RunControl? = nil, profiler: Profiler? = nil
    ) async throws(EngineError) -> [Value?]
  {
    try await queued(control) { (control) throws(EngineError) in
      try self.run(
        ordered: inputs, into: targets, mustFit: mustFit, only: wanted, control: control,
        profiler: profiler)
    }
  }

  nonisolated(nonsending)
    private func queued<Result: Sendable>(
      _ control: RunControl?, _ work: @escaping QueuedRun<Result>.Work
    ) async throws(EngineError) -> Result
  {
    let run = QueuedRun<Result>(RunControl(parent: control))
    let queue = state.options.queue
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { run.enter(queue, work, $0) }
    } onCancel: {
      run.cancel()
    }
    return try outcome.get()
  }
}
