import CKernels

extension ThreadPool {
  /// Calls `body(unit, slot)` for each of so many units of work, where units of one slot never run
  /// at the same time: each slot may have memory of its own.
  ///
  /// A slot takes the units of its own part in order, then what the others have left. Slots are
  /// mostly the same threads from one operator to the next, so that what a thread reads is mostly
  /// what it wrote: lines that another core has changed come ten times as slowly.
  ///
  /// - `counters`: 64 bytes a slot that the call may write, 8-byte aligned.
  func runNear(
    _ units: Int, slots: Int, counters: UnsafeMutableRawPointer,
    _ body: (_ unit: Int, _ slot: Int) -> Void
  ) {
    guard slots > 1 else {
      for unit in 0..<units { body(unit, 0) }
      return
    }
    for slot in 0..<slots { (counters + 64 * slot).storeBytes(of: 0, as: Int.self) }
    nonisolated(unsafe) let counters = counters
    run(slots) { slot in
      for i in 0..<slots {
        let part = slot + i < slots ? slot + i : slot + i - slots
        let (first, end) = (part * units / slots, (part + 1) * units / slots)
        let counter = (counters + 64 * part).assumingMemoryBound(to: Int.self)
        while true {
          let unit = first + dl_take(counter)
          if unit >= end { break }
          body(unit, slot)
        }
      }
    }
  }
}
