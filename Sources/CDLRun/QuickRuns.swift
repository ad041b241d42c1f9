import CDLRunHeader
import DLRun
import Synchronization
import Tensors

/// A plan for tensors of settled types that stays bound to a session: a run with memory for all its
/// results costs its kernels and little else.
private final class QuickRun: @unchecked Sendable {
  private let plan: PreparedRun
  /// Types of inputs and outputs as callers state them.
  private let inputs: [dlrun_tensor]
  private let outputs: [dlrun_tensor]

  init(_ run: PreparedRun, inputs: [dlrun_tensor], outputs: [dlrun_tensor]) {
    plan = run
    self.inputs = inputs
    self.outputs = outputs
  }

  func serves(
    _ inputs: UnsafePointer<dlrun_tensor>, _ outputs: UnsafePointer<dlrun_tensor>
  ) -> Bool {
    for i in self.inputs.indices
    where inputs[i].value != nil || inputs[i].data == nil
      || !isSameType(inputs[i], self.inputs[i])
    {
      return false
    }
    for i in self.outputs.indices
    where outputs[i].data == nil || !isSameType(outputs[i], self.outputs[i]) {
      return false
    }
    return true
  }

  func run(
    _ inputs: UnsafePointer<dlrun_tensor>, _ outputs: UnsafeMutablePointer<dlrun_tensor>
  ) throws(EngineError) {
    for i in self.inputs.indices {
      if let data = inputs[i].data { plan.bindInput(i, data) }
    }
    for i in self.outputs.indices {
      plan.bindOutput(i, outputs[i].data)
      outputs[i].value = nil
    }
    try plan.run()
  }
}

/// The quick runs of a session that nobody uses at the moment.
final class QuickRuns: Sendable {
  private let idle = Mutex<[QuickRun]>([])
  /// Types of the last run that took the long way: what comes twice running is worth a plan.
  private let last = Mutex<[TensorType?]>([])
  /// Whether the model, or its size, is none for this.
  private let isHopeless = Atomic<Bool>(false)
  /// Kept at most, and the memory that each may hold: for models that run for long the way there
  /// does not matter.
  private static let most = 4
  private static let mostBytes = 4 << 20

  /// Runs the session where a plan for these tensors stands ready; whether it did.
  func run(
    _ inputs: UnsafePointer<dlrun_tensor>, _ outputs: UnsafeMutablePointer<dlrun_tensor>
  ) throws(EngineError) -> Bool {
    let found = idle.withLock { list -> QuickRun? in
      guard let i = list.lastIndex(where: { $0.serves(inputs, outputs) }) else { return nil }
      return i == list.count - 1 ? list.removeLast() : list.remove(at: i)
    }
    guard let found else { return false }
    // Given back before it throws, too: the next run binds all memory anew.
    defer { give(found) }
    try found.run(inputs, outputs)
    return true
  }

  private func give(_ run: QuickRun) {
    idle.withLock { list in
      if list.count >= QuickRuns.most { list.removeFirst() }
      list.append(run)
    }
  }

  /// Makes one for tensors that a run was just given, if all of them lie in memory of the caller
  /// and `types` has an input's for each.
  func prepare(
    _ session: Session, _ types: [TensorType?], _ inputs: UnsafePointer<dlrun_tensor>,
    _ outputs: UnsafePointer<dlrun_tensor>
  ) {
    guard !isHopeless.load(ordering: .relaxed), !session.isObserved,
      !types.contains(where: { $0 == nil }),
      types.indices.allSatisfy({ inputs[$0].value == nil && inputs[$0].data != nil }),
      session.outputs.indices.allSatisfy({ outputs[$0].value == nil && outputs[$0].data != nil })
    else { return }
    let isSecond = last.withLock { last in
      if last == types { return true }
      last = types
      return false
    }
    guard isSecond else { return }
    guard let run = try? session.prepared(for: types), run.memoryBytes <= QuickRuns.mostBytes else {
      isHopeless.store(true, ordering: .relaxed)
      return
    }
    give(
      QuickRun(
        run, inputs: types.indices.map { inputs[$0] },
        outputs: session.outputs.indices.map { outputs[$0] }))
  }
}

/// Whether tensors have the same type.
func isSameType(_ a: dlrun_tensor, _ b: dlrun_tensor) -> Bool {
  guard a.dtype == b.dtype, a.rank == b.rank, a.size_bytes == b.size_bytes else { return false }
  let rank = Int(a.rank)
  return withUnsafeBytes(of: a.shape) { a in
    withUnsafeBytes(of: b.shape) { b in
      let count = min(rank, a.count / 8)
      for i in 0..<count
      where a.load(fromByteOffset: 8 * i, as: Int64.self)
        != b.load(fromByteOffset: 8 * i, as: Int64.self)
      {
        return false
      }
      return true
    }
  }
}
