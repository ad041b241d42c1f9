import Graphs
import Operators
import Tensors

/// Weights kept in float16 or bfloat16, and made float32 by a Cast before they are used.
///
/// Only weights are halved, not what is computed: runtimes for CPUs have float16 kernels for few
/// operators and put casts around the rest, while every one of them folds a Cast of a constant when
/// it loads the model, or keeps it small and widens as it reads. Results differ from the float
/// model's by the rounding of weights alone.
struct HalfRewriting {
  let prepared: PreparedModel
  let options: QuantizationOptions

  /// Constants below this stay: they hold no bytes worth a node.
  private static let smallest = 64

  func run(keeping kept: (String) -> Bool = { _ in false }) throws(EngineError) -> Rewritten {
    let e = QuantEditor(prepared)
    let dtype: DType = options.mode == .fp16 ? .float16 : .bfloat16
    let inputs = Set(prepared.graph.inputs)
    var noise: [String: Double] = [:]
    var notes: [(layer: String, reason: String)] = []
    for (id, tensor) in prepared.graph.initializers {
      guard tensor.dtype == .float32, tensor.count >= Self.smallest, !inputs.contains(id),
        let user = e.g.users(id).min(), !e.g.isOutput(id)
      else { continue }
      let name = e.name(id)
      if e.g.users(id).contains(where: { kept(e.g.graph.nodeName($0)) }) { continue }
      let exact = tensor.floatList
      let half: Tensor
      let rounded: [Float]
      if dtype == .float16 {
        let list = exact.map { Float16($0) }
        rounded = list.map { Float($0) }
        half = try Tensor(shape: tensor.shape, list)
      } else {
        let list = exact.map { BFloat16($0) }
        rounded = list.map(\.float)
        half = try Tensor(shape: tensor.shape, list)
      }
      if zip(exact, rounded).contains(where: { $0.isFinite && !$1.isFinite }) {
        notes.append((e.g.graph.nodeName(user), "'\(name)' has numbers beyond \(dtype)"))
        continue
      }
      let small = e.constant(half, "\(name)_\(dtype)")
      let wide = try e.add(Cast(to: .float32), [small], "\(name)_float32", at: user)
      e.g.replace(id, with: wide)
      noise[name] = decibels(exact, rounded)
    }
    var result = Rewritten(model: try prepared.finished(e.g.finish()))
    result.weightNoise = noise
    result.notes = notes
    return result
  }
}
