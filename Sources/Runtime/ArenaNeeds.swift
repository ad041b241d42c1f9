import Glibc

extension Plan {
  /// For each step, how far into the arena it and later ones reach, in bytes; nil where nodes run on
  /// values.
  func arenaNeeds() -> [Int]? {
    guard !hasDynamicSteps else { return nil }
    // How far what lies in a slot's memory reaches.
    var ends = [Int](repeating: 0, count: places.count)
    func visit(_ k: KernelStep, _ body: (_ entry: Int, _ root: Int, _ start: Int) -> Void) {
      for entry in k.firstAddress..<k.firstAddress + k.inputCount + k.call.outputs.count {
        let (root, offset) = Plan.resolve(addressSlots[entry], places)
        if case .arena(let start) = places[root] { body(entry, root, start + offset) }
      }
    }
    for case .kernel(let k) in steps {
      visit(k) { (entry, root, start) in
        let i = entry - k.firstAddress - k.inputCount
        if i >= 0 { ends[root] = max(ends[root], start + (k.call.outputs[i]?.byteCount ?? 0)) }
      }
    }
    var needs = [Int](repeating: 0, count: steps.count)
    var most = 0
    for i in steps.indices.reversed() {
      if case .kernel(let k) = steps[i] {
        visit(k) { (_, root, _) in most = max(most, ends[root]) }
        most = max(most, k.scratchOffset + k.call.prepared.scratchBytes)
      }
      needs[i] = most
    }
    return needs
  }
}

/// The pages of an arena that a run holds.
struct HeldArena {
  private let arena: AllocatedBlock
  private let needs: [Int]
  private var bytes: Int
  /// What less is not worth a system call.
  private static let least = 1 << 18

  /// Nil where memory stays with the session, and for little of it, as bodies of loops take.
  init?(_ plan: Plan, _ context: RunContext, _ options: SessionOptions) {
    guard options.returnsMemory, plan.arenaBytes >= HeldArena.least, let arena = context.arena,
      let needs = plan.arenaNeeds()
    else { return nil }
    self.arena = arena
    self.needs = needs
    bytes = plan.arenaBytes
  }

  /// Gives back what neither this step nor a later one reaches.
  mutating func begin(_ step: Int) {
    guard bytes - needs[step] >= HeldArena.least else { return }
    arena.giveBack(from: needs[step])
    bytes = needs[step]
  }

  func end() { arena.giveBack(from: 0) }
}
