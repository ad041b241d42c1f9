import Tensors
import Training

/// A model's parameters and states at one time. Tensors never change, so nothing is copied but what
/// an optimiser would write over.
struct Snapshot {
  private let parameters: [(Parameter, Tensor)]
  private let states: [(StateTensor, Tensor)]

  init(_ model: Module) {
    parameters = model.parameters.map { ($0, $0.value.detached()) }
    states = model.states.map { ($0, $0.value.detached()) }
  }

  /// Errors: `.malformed` where the model has a parameter or state that is not among the tensors,
  /// or has it with another type.
  init(_ model: Module, _ tensors: [(name: String, value: Tensor)]) throws(EngineError) {
    var byName: [String: Tensor] = [:]
    for (name, value) in tensors { byName[name] = value }
    func found(_ name: String, _ type: TensorType) throws(EngineError) -> Tensor {
      guard let value = byName[name], value.type == type else {
        throw EngineError(
          .malformed, "the best weights so far do not fit the model",
          expected: "'\(name)' as \(type)", received: byName[name].map { "\($0.type)" } ?? "none")
      }
      return value
    }
    var (parameters, states): ([(Parameter, Tensor)], [(StateTensor, Tensor)]) = ([], [])
    for p in model.parameters { parameters.append((p, try found(p.name, p.value.type))) }
    for s in model.states { states.append((s, try found(s.name, s.value.type))) }
    self.parameters = parameters
    self.states = states
  }

  /// All tensors under the names of parameters and states.
  var named: [(name: String, value: Tensor)] {
    parameters.map { ($0.name, $1) } + states.map { ($0.name, $1) }
  }

  func restore() {
    for (p, value) in parameters { p.value = value }
    for (s, value) in states { s.value = value }
  }
}
