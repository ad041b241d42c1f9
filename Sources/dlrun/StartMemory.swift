import Graphs
import Kernels
import Runtime
import Tensors

/// Makes the plan for inputs of a compiled model and gives back what only the start needed, before
/// its weights come into memory. What is wrong with the inputs is left for the run to say.
func forgetStart(_ session: Session, _ values: [String: Value]) {
  let types = session.inputs.map { port -> TensorType? in
    guard case .tensor(let t)? = values[port.name] else { return nil }
    return t.type
  }
  _ = try? session.prepared(for: types)
  CodePages.release()
}
