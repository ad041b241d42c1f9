import Graphs
import Kernels
import Runtime
import Tensors

/// A captured function bound to memory for one set of sizes.
final class StepPlan {
  let types: [TensorType]
  /// The function's own results. Their memory is written again by the next run.
  let results: [Tensor]
  let gradients: [Tensor]
  private let prepared: PreparedRun
  private let states: [Tensor]

  /// - `other`: a plan of the same function, whose memory for gradients serves this one too: they are
  ///   used before either runs again.
  /// - Errors: those of `Session.prepared`.
  init(
    _ session: Session, _ inputs: [Tensor], results resultCount: Int, gradients count: Int,
    states stateCount: Int, sharing other: StepPlan?
  ) throws {
    types = inputs.map(\.type)
    prepared = try session.prepared(for: types)
    var outputs: [Tensor] = []
    for (i, type) in prepared.outputTypes.enumerated() {
      let shared = other.flatMap { i < resultCount ? nil : $0.gradient(i - resultCount, of: type) }
      let storage = try shared ?? Storage(type)
      prepared.bindOutput(i, storage.bytes)
      outputs.append(Tensor(storage))
    }
    guard outputs.count == resultCount + count + stateCount else {
      throw EngineError(
        .internalDefect, "a captured step has the wrong number of results",
        expected: "\(resultCount + count + stateCount)", received: "\(outputs.count)")
    }
    results = Array(outputs[..<resultCount])
    gradients = Array(outputs[resultCount..<resultCount + count])
    states = Array(outputs[(resultCount + count)...])
  }

  private func gradient(_ i: Int, of type: TensorType) -> Storage? {
    i < gradients.count && gradients[i].type == type ? gradients[i].storage : nil
  }

  /// Lends its working memory to other plans until the next run.
  func lendMemory() { prepared.lendMemory() }

  func fits(_ inputs: [Tensor]) -> Bool {
    guard inputs.count == types.count else { return false }
    for (t, type) in zip(inputs, types) where t.type != type { return false }
    return true
  }

  /// Runs on inputs of the plan's types.
  func run(_ inputs: [Tensor]) throws {
    for (i, t) in inputs.enumerated() { prepared.bindInput(i, t.storage.bytes) }
    try withExtendedLifetime(inputs) { try prepared.run() }
  }

  /// A state that the step changed, in memory of its own.
  func stateCopy(_ i: Int) throws -> Tensor { try states[i].owned() }
}
