import Graphs
import Kernels
import Runtime
import Tensors

/// A step bound to memory for one set of sizes.
final class StepPlan {
  let types: [TensorType]
  let loss: Tensor
  let gradients: Gradients
  private let prepared: PreparedRun
  private let states: [Tensor]

  /// Errors: those of `Session.prepared`.
  init(
    _ session: Session, _ inputs: [Tensor], _ parameters: [Parameter], states count: Int
  ) throws {
    types = inputs.map(\.type)
    prepared = try session.prepared(for: types)
    var outputs: [Tensor] = []
    for (i, type) in prepared.outputTypes.enumerated() {
      let storage = try Storage(type)
      prepared.bindOutput(i, storage.bytes)
      outputs.append(Tensor(storage))
    }
    guard outputs.count == 1 + parameters.count + count else {
      throw EngineError(
        .internalDefect, "a captured step has the wrong number of results",
        expected: "\(1 + parameters.count + count)", received: "\(outputs.count)")
    }
    loss = outputs[0]
    gradients = Gradients(parameters, Array(outputs[1...parameters.count]))
    states = Array(outputs[(1 + parameters.count)...])
  }

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
  func stateCopy(_ i: Int) throws -> Tensor {
    let state = states[i]
    return try Tensor(state.type) { (bytes) throws(EngineError) in
      state.withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
  }
}
