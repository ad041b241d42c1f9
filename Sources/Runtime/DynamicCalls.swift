import Graphs
import Kernels
import Synchronization
import Tensors

/// Kernels that a dynamic node was prepared with lately, so that it need not be prepared for
/// every run.
final class DynamicCalls: Sendable {
  private let list = Mutex<[Call]>([])
  private static let limit = 8

  /// Runs `op` on values; `lasting` inputs are constants of the plan, `targets` memory for outputs
  /// whose size is known beforehand and fits.
  func run(
    _ op: any Operator, _ inputs: [Value?], captured: [Value?], lasting: [Bool], outputs: Int,
    targets: [Tensor?], state: RunState
  ) throws(EngineError) -> [Value?] {
    let options = state.session.kernelOptions
    let evaluation = Evaluation(
      inputs: inputs, captured: captured, outputCount: outputs, pool: state.session.pool,
      options: options, runner: state)
    if let results = try op.atOnce(evaluation) { return results }
    var types: [TensorType?] = []
    var tensors: [Tensor?] = []
    for v in inputs {
      guard case .tensor(let t)? = v else {
        if v != nil { return try op.evaluate(evaluation) }
        types.append(nil)
        tensors.append(nil)
        continue
      }
      types.append(t.type)
      tensors.append(t)
    }
    if let known = list.withLock({ $0.last { $0.serves(types, tensors) } }) {
      return try known.run(inputs, evaluation, into: targets)
    }
    try type(of: op).schema.check(inputs: inputs, outputs: outputs)
    guard captured.isEmpty,
      let call = try Call(
        dynamic: op, inputs, outputs: outputs, options: options, lasting: lasting,
        store: state.session.store),
      call.prepared.kind != .dynamic
    else { return try op.evaluate(evaluation) }
    list.withLock {
      if $0.count >= DynamicCalls.limit { $0.removeFirst() }
      $0.append(call)
    }
    return try call.run(inputs, evaluation, into: targets)
  }
}
