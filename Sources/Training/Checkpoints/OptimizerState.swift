import Tensors

/// What an optimiser carries from step to step, as tensors with names.
extension Optimizer {
  /// Copies of all states. `training.0.encoder.weight` is the first state of a parameter.
  func exportedState() throws -> [(name: String, value: Tensor)] {
    var list: [(name: String, value: Tensor)] = []
    for slot in slots {
      let p = slot.parameter
      switch rule.form {
      case .elements:
        for (k, block) in (blocks[p.value.dtype]?.states ?? []).enumerated() {
          list.append(
            ("training.\(k).\(p.name)", try block.copied(p.value.shape, from: slot.start)))
        }
      case .tensors:
        for (k, state) in slot.states.enumerated() {
          list.append(("training.\(k).\(p.name)", state.detached()))
        }
      }
    }
    if !memory.isEmpty { list.append(("training.memory", try Tensor(memory))) }
    return list
  }

  /// Takes back what `exportedState` gave.
  ///
  /// Errors: `.shape` for a state that does not fit, `.malformed` for a missing one; nothing is
  /// changed then.
  func importState(_ tensors: [String: Tensor], steps: Int) throws {
    var numbers = memory
    if !memory.isEmpty {
      guard let t = tensors["training.memory"], t.dtype == .float64, t.count == memory.count else {
        throw EngineError(.malformed, "the checkpoint lacks the memory of \(rule.name)")
      }
      numbers = try t.numbers()
    }
    var found: [[Tensor]] = []
    for slot in slots {
      let p = slot.parameter
      var mine: [Tensor] = []
      while let t = tensors["training.\(mine.count).\(p.name)"] { mine.append(t) }
      if case .elements(let step, _) = rule.form {
        guard mine.count >= step.stateCount else {
          throw EngineError(
            .malformed, "the checkpoint lacks a state of '\(p.name)'",
            expected: "\(step.stateCount)", received: "\(mine.count)")
        }
        for t in mine where t.type != p.value.type {
          throw EngineError(
            .shape, "a state of '\(p.name)' does not fit it", expected: "\(p.value.type)",
            received: "\(t.type)")
        }
      }
      found.append(mine)
    }
    for (i, mine) in found.enumerated() {
      switch rule.form {
      case .elements:
        let states = blocks[slots[i].parameter.value.dtype]?.states ?? []
        for (block, t) in zip(states, mine) { block.copy(t, to: slots[i].start) }
      case .tensors:
        slots[i].states = mine
        slots[i].isStarted = !mine.isEmpty
      }
    }
    memory = numbers
    self.steps = steps
  }
}
