import Compiler
import Graphs
import Tensors

extension Planner {
  /// Settles where every slot lies, and what each dynamic step may release.
  mutating func finish(_ outputs: [Int]) throws(EngineError) -> Plan {
    shareMemory()
    var buffers: [ArenaBuffer] = []
    var owners: [Int] = []
    for i in slots.indices {
      guard case .arena = slots[i].place else { continue }
      owners.append(i)
      buffers.append(ArenaBuffer(parts: lifetimes(i)))
    }
    // Working memory lives for one step, so that it may lie where nothing else does then.
    let working = self.steps.indices.filter { !isSpared[$0] && scratchBytes(ofStep: $0) > 0 }
    for time in working {
      buffers.append(ArenaBuffer(bytes: scratchBytes(ofStep: time), first: time, last: time))
    }
    let layout = ArenaLayout(buffers)
    for (time, offset) in zip(working, layout.offsets.dropFirst(owners.count)) {
      guard case .kernel(var k) = self.steps[time] else { continue }
      k.scratchOffset = offset
      self.steps[time] = .kernel(k)
    }
    for (owner, offset) in zip(owners, layout.offsets) {
      slots[owner].place = .arena(offset: offset)
    }
    let absent = slots.count
    slots.append(Slot(state: .dynamic, place: .absent))
    var lastUse: [Int: [Int]] = [:]
    let kept = Set(outputs.map { resolve($0).root })
    for i in slots.indices where !kept.contains(i) {
      if case .dynamic = slots[i].place { lastUse[slots[i].last, default: []].append(i) }
    }
    let steps: [Plan.Step] = self.steps.enumerated().compactMap { (time, step) in
      if isSpared[time] { return nil }
      guard case .dynamic(let d) = step, let dead = lastUse[time] else { return step }
      return .dynamic(
        Plan.DynamicStep(
          op: d.op, inputs: d.inputs, captured: d.captured, lasting: d.lasting, outputs: d.outputs,
          node: d.node, releases: dead))
    }
    let plan = Plan(
      steps: steps, places: slots.map(\.place), outputs: outputs,
      addressSlots: addressSlots.map { $0 < 0 ? absent : $0 }, arenaBytes: layout.total,
      scratchBytes: working.map { scratchBytes(ofStep: $0) }.max() ?? 0, nodeNames: nodeNames,
      operatorNames: operatorNames)
    try program.session.checkBudget(plan.peakBytes, for: "running the graph")
    return plan
  }

  private func scratchBytes(ofStep time: Int) -> Int {
    if case .kernel(let k) = steps[time] { k.call.prepared.scratchBytes } else { 0 }
  }
}
