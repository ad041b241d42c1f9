import Compiler
import Graphs
import Tensors

// Which slots share memory. At first every result of a kernel has its own; what is joined is then
// made in its place, parts stay where the whole is, and results go where an input ends.
//
// A slot's place within another is a `.view`; `members` lists, for each slot that has memory, all
// results that lie in it, itself among them. Each of them holds its bytes from its own first to its
// own last step.
extension Planner {
  /// Settles places, and which steps have nothing left to do.
  mutating func shareMemory() {
    members = [[Int]](repeating: [], count: slots.count)
    isSpared = [Bool](repeating: false, count: steps.count)
    var hasMovement = false
    for i in slots.indices {
      guard case .arena = slots[i].place, case .planned(let type) = slots[i].state else { continue }
      members[i] = [i]
      if slots[i].escapes { slots[i].place = .fresh(type) }
    }
    for case .kernel(let k) in steps {
      if case .none = k.call.prepared.movement { continue }
      hasMovement = true
      break
    }
    if hasMovement {
      for time in steps.indices { keepParts(time) }
      // The last first: it may hold what the others before it join.
      for time in steps.indices.reversed() { joinInPlace(time) }
    }
    for time in steps.indices { writeOver(time) }
  }

  /// Parts of a value are looked at where they are.
  private mutating func keepParts(_ time: Int) {
    guard case .kernel(let k) = steps[time], case .parts(let offsets) = k.call.prepared.movement,
      let source = input(k, 0)
    else { return }
    var isSpared = true
    for (i, offset) in offsets.enumerated() {
      guard let part = output(k, i) else { continue }
      guard isFree(part) else {
        isSpared = false
        continue
      }
      put(part, in: source, at: offset)
    }
    self.isSpared[time] = isSpared
  }

  /// The parts of a joined value are made where it wants them.
  private mutating func joinInPlace(_ time: Int) {
    guard case .kernel(let k) = steps[time], case .whole(let offsets) = k.call.prepared.movement,
      let whole = output(k, 0)
    else { return }
    let parts = offsets.indices.filter { i in input(k, i).map { bytes($0) > 0 } ?? false }
    if isFree(whole), let first = parts.first, let slot = input(k, first) {
      // They may lie side by side already, in what a later step joins.
      let (root, start) = resolve(slot)
      let from = start - offsets[first]
      let areThere = parts.allSatisfy { i in
        guard let slot = input(k, i) else { return false }
        let (other, at) = resolve(slot)
        return other == root && at == from + offsets[i]
      }
      if areThere, root != whole {
        put(whole, in: root, at: from)
        isSpared[time] = true
        return
      }
    }
    var isSpared = true
    for i in parts {
      guard let slot = input(k, i) else { continue }
      let (root, start) = resolve(slot)
      let (target, at) = resolve(whole)
      if root == target, start == at + offsets[i] { continue }
      if root != target, isFree(root), start == 0, bytes(root) == bytes(slot) {
        put(root, in: whole, at: offsets[i])
      } else {
        isSpared = false
      }
    }
    self.isSpared[time] = isSpared
  }

  /// Lets a kernel write over an input that ends with it, where the kernel allows that.
  private mutating func writeOver(_ time: Int) {
    guard case .kernel(let k) = steps[time], !isSpared[time], k.call.prepared.inPlace != 0,
      let result = output(k, 0)
    else { return }
    for i in 0..<k.inputCount where k.call.prepared.inPlace >> UInt64(i) & 1 == 1 {
      guard let slot = input(k, i), bytes(slot) == bytes(result), bytes(slot) > 0 else { continue }
      let (source, start) = resolve(slot)
      let (target, at) = resolve(result)
      guard source != target, case .arena = slots[source].place, slots[source].first < time,
        !isRead(k, besides: i, source, start, start + bytes(slot)),
        members[source].allSatisfy({ m in
          slots[m].last <= time || !overlaps(m, start, start + bytes(slot))
        })
      else { continue }
      if start == 0, bytes(source) == bytes(slot) {
        // The result's place may be part of something; nothing was there before.
        guard
          members[target].allSatisfy({ m in
            slots[m].first >= time || !overlaps(m, at, at + bytes(result))
          })
        else { continue }
        put(source, in: result, at: 0)
      } else if isFree(result) {
        put(result, in: slot, at: 0)
      } else {
        continue
      }
      return
    }
  }

  /// Whether a step reads bytes of a slot's memory through another input than `i`.
  private func isRead(
    _ k: Plan.KernelStep, besides i: Int, _ root: Int, _ low: Int, _ high: Int
  ) -> Bool {
    for j in 0..<k.inputCount where j != i {
      guard let slot = input(k, j) else { continue }
      let (other, start) = resolve(slot)
      if other == root, start < high, start + bytes(slot) > low { return true }
    }
    return false
  }

  private func overlaps(_ member: Int, _ low: Int, _ high: Int) -> Bool {
    let start = resolve(member).offset
    return start < high && start + bytes(member) > low
  }

  // MARK: Slots

  private mutating func put(_ slot: Int, in other: Int, at offset: Int) {
    guard case .planned(let type) = slots[slot].state else { return }
    let root = resolve(other).root
    slots[slot].place = .view(of: other, type, offset: offset)
    members[root] += members[slot]
    members[slot] = []
  }

  /// Whether a slot is all of a buffer that may lie anywhere.
  private func isFree(_ slot: Int) -> Bool {
    if case .arena = slots[slot].place { true } else { false }
  }

  private func bytes(_ slot: Int) -> Int {
    switch slots[slot].state {
    case .planned(let type): type.byteCount
    case .constant(let t): t.byteCount
    case .dynamic: 0
    }
  }

  func resolve(_ slot: Int) -> (root: Int, offset: Int) {
    var (root, start) = (slot, 0)
    while case .view(let of, _, let offset) = slots[root].place {
      (root, start) = (of, start + offset)
    }
    return (root, start)
  }

  private func input(_ k: Plan.KernelStep, _ i: Int) -> Int? {
    guard i < k.inputCount else { return nil }
    let slot = addressSlots[k.firstAddress + i]
    return slot < 0 ? nil : slot
  }

  private func output(_ k: Plan.KernelStep, _ i: Int) -> Int? {
    guard i < k.call.outputs.count else { return nil }
    let slot = addressSlots[k.firstAddress + k.inputCount + i]
    return slot < 0 ? nil : slot
  }

  // MARK: Lifetimes

  /// When the bytes of a slot's memory hold something: from the first step of what lies there to
  /// the last.
  func lifetimes(_ root: Int) -> [ArenaBuffer.Part] {
    let all = members[root]
    if all.count == 1 {
      return [
        .init(offset: 0, bytes: bytes(root), first: slots[root].first, last: slots[root].last)
      ]
    }
    var spans: [ArenaBuffer.Part] = []
    var cuts: [Int] = []
    for m in all where bytes(m) > 0 {
      let start = resolve(m).offset
      spans.append(
        .init(offset: start, bytes: bytes(m), first: slots[m].first, last: slots[m].last))
      cuts += [start, start + bytes(m)]
    }
    cuts.sort()
    var parts: [ArenaBuffer.Part] = []
    for (low, high) in zip(cuts, cuts.dropFirst()) where low < high {
      var part = ArenaBuffer.Part(offset: low, bytes: high - low, first: Int.max, last: -1)
      for s in spans where s.offset < high && s.offset + s.bytes > low {
        part.first = min(part.first, s.first)
        part.last = max(part.last, s.last)
      }
      if part.last < 0 { continue }
      if let before = parts.last, before.offset + before.bytes == low,
        before.first == part.first, before.last == part.last
      {
        parts[parts.count - 1].bytes += part.bytes
      } else {
        parts.append(part)
      }
    }
    return parts
  }
}
