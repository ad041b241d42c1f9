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

  func restore() {
    for (p, value) in parameters { p.value = value }
    for (s, value) in states { s.value = value }
  }
}
