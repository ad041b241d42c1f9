import Compiler
import Graphs
import Tensors

extension Planner {
  /// Settles where every slot lies, and what each dynamic step may release.
  mutating func finish(_ outputs: [Int]) throws(EngineError) -> Plan {
    shareInPlace()
    var buffers: [Lifetime] = []
    var owners: [Int] = []
    for i in slots.indices {
      guard case .arena = slots[i].place, case .planned(let type) = slots[i].state else { continue }
      if slots[i].escapes {
        slots[i].place = .fresh(type)
      } else {
        owners.append(i)
        buffers.append(
          Lifetime(bytes: type.byteCount, first: slots[i].first, last: slots[i].last))
      }
    }
    // Working memory lives for one step, so that it may lie where nothing else does then.
    let working = self.steps.indices.filter { scratchBytes(ofStep: $0) > 0 }
    for time in working {
      buffers.append(Lifetime(bytes: scratchBytes(ofStep: time), first: time, last: time))
    }
    let layout = layOutArena(buffers)
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
    let kept = Set(outputs.map { rootSlot($0) })
    for i in slots.indices where !kept.contains(i) {
      if case .dynamic = slots[i].place { lastUse[slots[i].last, default: []].append(i) }
    }
    let steps: [Plan.Step] = self.steps.enumerated().map { (time, step) in
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

  private func rootSlot(_ slot: Int) -> Int {
    var s = slot
    while case .view(let of, _) = slots[s].place { s = of }
    return s
  }

  /// Lets a kernel write over an input that ends with it, where the kernel allows that.
  private mutating func shareInPlace() {
    for (time, step) in steps.enumerated() {
      guard case .kernel(let k) = step, k.call.prepared.inPlace != 0 else { continue }
      let output = addressSlots[k.firstAddress + k.inputCount]
      guard output >= 0, case .arena = slots[output].place, !slots[output].escapes,
        case .planned(let type) = slots[output].state
      else { continue }
      for i in 0..<k.inputCount where k.call.prepared.inPlace >> UInt64(i) & 1 == 1 {
        let slot = addressSlots[k.firstAddress + i]
        guard slot >= 0 else { continue }
        let source = rootSlot(slot)
        guard source != output, case .arena = slots[source].place, !slots[source].escapes,
          slots[source].last == time, slots[source].first < time,
          case .planned(let from) = slots[source].state, from.byteCount == type.byteCount,
          !usedTwice(k, source)
        else { continue }
        slots[source].last = slots[output].last
        slots[output].place = .view(of: source, type)
        break
      }
    }
  }

  /// Whether a step reads `source` through more than one input.
  private func usedTwice(_ k: Plan.KernelStep, _ source: Int) -> Bool {
    var uses = 0
    for i in 0..<k.inputCount {
      let slot = addressSlots[k.firstAddress + i]
      if slot >= 0, rootSlot(slot) == source { uses += 1 }
    }
    return uses > 1
  }
}
