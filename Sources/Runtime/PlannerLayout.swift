import Compiler
import Graphs
import Tensors

extension Planner {
  /// Settles where every slot lies, and what each dynamic step may release.
  mutating func finish(_ outputs: [Int]) throws(EngineError) -> Plan {
    shareMemory()
    var (owners, buffers) = useResults()
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
    // A session keeps many plans: their arrays are as large as what is in them.
    var steps: [Plan.Step] = []
    steps.reserveCapacity(isSpared.count { !$0 })
    for (time, step) in self.steps.enumerated() where !isSpared[time] {
      guard case .dynamic(let d) = step, let dead = lastUse[time] else {
        steps.append(step)
        continue
      }
      steps.append(
        .dynamic(
          Plan.DynamicStep(
            op: d.op, inputs: d.inputs, captured: d.captured, lasting: d.lasting,
            outputs: d.outputs, node: d.node, releases: dead)))
    }
    let plan = Plan(
      steps: steps, places: slots.map(\.place), holdsOthers: slots.map(\.holdsOthers),
      outputs: outputs,
      addressSlots: addressSlots.map { $0 < 0 ? absent : $0 }, arenaBytes: layout.total,
      scratchBytes: working.map { scratchBytes(ofStep: $0) }.max() ?? 0, nodeNames: nodeNames,
      operatorNames: operatorNames)
    try program.session.checkBudget(plan.peakBytes, for: "running the graph")
    return plan
  }

  /// The slots that need a place in the arena, and when they do.
  ///
  /// A result has memory of its own from the start of a run, though nothing is in it before its
  /// kernel runs: until then it holds what fits, the largest first.
  private mutating func useResults() -> (slots: [Int], buffers: [ArenaBuffer]) {
    var owners: [Int] = []
    var results: [Int] = []
    for i in slots.indices {
      switch slots[i].place {
      case .arena: owners.append(i)
      case .fresh(let type) where type.byteCount >= 4096: results.append(i)
      default: break
      }
    }
    let buffers = owners.map { ArenaBuffer(parts: lifetimes($0)) }
    if results.isEmpty { return (owners, buffers) }
    let sizes = buffers.map(\.bytes)
    let ends = buffers.map { $0.parts.lazy.map(\.last).max() ?? 0 }
    var waiting = owners.indices.filter { sizes[$0] > 0 }.sorted { sizes[$0] > sizes[$1] }
    var isPlaced = [Bool](repeating: false, count: owners.count)
    for result in results where !waiting.isEmpty {
      guard case .fresh(let type) = slots[result].place else { continue }
      var memory = PlacedParts()
      var own = ArenaBuffer(parts: lifetimes(result))
      // What is in it when the run ends is the result.
      for k in own.parts.indices { own.parts[k].last = Int.max }
      memory.add(own, at: 0)
      // What is made at once leaves no room from then on.
      let begin = own.parts.count == 1 ? own.parts[0].first : Int.max
      for k in waiting where sizes[k] <= type.byteCount && ends[k] < begin {
        guard case .planned(let part) = slots[owners[k]].state,
          let offset = memory.place(buffers[k], within: type.byteCount)
        else { continue }
        slots[owners[k]].place = .view(of: result, part, offset: offset)
        isPlaced[k] = true
        slots[result].holdsOthers = true
      }
      waiting.removeAll { isPlaced[$0] }
    }
    let left = owners.indices.filter { !isPlaced[$0] }
    return (left.map { owners[$0] }, left.map { buffers[$0] })
  }

  private func scratchBytes(ofStep time: Int) -> Int {
    if case .kernel(let k) = steps[time] { k.call.prepared.scratchBytes } else { 0 }
  }
}
