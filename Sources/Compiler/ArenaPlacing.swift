/// Buffers being placed, with what all orders share.
struct ArenaPlacing {
  /// Bytes of a page of memory.
  static let page = 4096
  /// Buffers from this size on are kept apart within a page.
  private static let large = 1 << 15
  /// Bytes that lie between the starts of two large buffers within a page, at least.
  private static let stagger = 256

  private struct Placed {
    let start: Int
    let end: Int
    let first: Int
    let last: Int
    let isLarge: Bool
  }

  private let buffers: [ArenaBuffer]
  private let alignment: Int
  private let sizes: [Int]
  /// First and last step of each buffer.
  private let spans: [(first: Int, last: Int)]

  init(_ buffers: [ArenaBuffer], alignment: Int) {
    self.buffers = buffers
    self.alignment = alignment
    sizes = buffers.map(\.bytes)
    spans = buffers.map { buffer in
      (buffer.parts.lazy.map(\.first).min() ?? 0, buffer.parts.lazy.map(\.last).max() ?? 0)
    }
  }

  private func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }

  /// The step that holds most, and how much.
  func fullestStep() -> (step: Int, bytes: Int) {
    let held = bytesOfSteps()
    guard let most = held.max(), let step = held.firstIndex(of: most) else { return (0, 0) }
    return (step, most)
  }

  private func bytesOfSteps() -> [Int] {
    let steps = (spans.lazy.map(\.last).max() ?? -1) + 1
    var change = [Int](repeating: 0, count: steps + 1)
    for buffer in buffers {
      for part in buffer.parts {
        let bytes = buffer.parts.count == 1 ? aligned(part.bytes) : part.bytes
        change[part.first] += bytes
        change[part.last + 1] -= bytes
      }
    }
    var held = 0
    return change.map { step in
      held += step
      return held
    }
  }

  // MARK: Orders

  /// The largest first.
  func bySize() -> [Int] {
    buffers.indices.filter { sizes[$0] > 0 }.sorted {
      (sizes[$0], spans[$1].first) > (sizes[$1], spans[$0].first)
    }
  }

  /// Those of the step that holds most, then those of the next, and so on.
  func byStep() -> [Int] {
    let held = bytesOfSteps()
    let most = spans.map { span in held[span.first...span.last].max() ?? 0 }
    return bySize().sorted { (most[$0], sizes[$0]) > (most[$1], sizes[$1]) }
  }

  /// As they come to life.
  func byTime() -> [Int] {
    bySize().sorted { (spans[$0].first, -sizes[$0]) < (spans[$1].first, -sizes[$1]) }
  }

  // MARK: Placing

  /// Places the buffers in this order; `highest` is the one that ends last.
  func place(_ order: [Int]) -> (offsets: [Int], total: Int, highest: Int) {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var total = 0
    var highest = -1
    // Placed parts by rising start.
    var placed: [Placed] = []
    placed.reserveCapacity(order.count + 16)
    for i in order {
      let offset = lowest(i, placed)
      offsets[i] = offset
      let end = aligned(offset + sizes[i])
      if end > total {
        total = end
        highest = i
      }
      for part in buffers[i].parts {
        let start = offset + part.offset
        let new = Placed(
          start: start, end: start + part.bytes, first: part.first, last: part.last,
          isLarge: part.bytes >= ArenaPlacing.large)
        var (low, high) = (0, placed.count)
        while low < high {
          let middle = (low + high) / 2
          if placed[middle].start <= start { low = middle + 1 } else { high = middle }
        }
        placed.insert(new, at: low)
      }
    }
    return (offsets, total, highest)
  }

  /// The lowest offset at which buffer `i` meets nothing that lives when it does.
  private func lowest(_ i: Int, _ placed: [Placed]) -> Int {
    let parts = buffers[i].parts
    guard parts.count > 1 else {
      guard let part = parts.first else { return 0 }
      var offset = 0
      for other in placed where other.first <= part.last && part.first <= other.last {
        if offset + part.bytes <= other.start {
          return staggered(part, offset, room: other.start, placed)
        }
        offset = max(offset, aligned(other.end))
      }
      return staggered(part, offset, room: Int.max, placed)
    }
    // Each pair of parts that live together bars a stretch of offsets, its ends not included.
    var barred: [(low: Int, high: Int)] = []
    for part in parts {
      for other in placed where other.first <= part.last && part.first <= other.last {
        let high = other.end - part.offset
        if high > 0 { barred.append((other.start - part.offset - part.bytes, high)) }
      }
    }
    barred.sort { $0.low < $1.low }
    var offset = 0
    for stretch in barred {
      if stretch.low >= offset { break }
      offset = max(offset, aligned(stretch.high))
    }
    return offset
  }

  /// The start from `offset` on that lies apart, within a page, from those of large parts alive at
  /// the same step, where it ends before `room`.
  private func staggered(
    _ part: ArenaBuffer.Part, _ offset: Int, room: Int, _ placed: [Placed]
  ) -> Int {
    guard part.bytes >= ArenaPlacing.large else { return offset }
    // A bit for each place within a page that is taken.
    let places = ArenaPlacing.page / ArenaPlacing.stagger
    var taken = 0
    for other in placed
    where other.isLarge && other.first <= part.last && part.first <= other.last {
      taken |= 1 << (other.start % ArenaPlacing.page / ArenaPlacing.stagger)
    }
    for step in 0..<places {
      let start = offset + step * ArenaPlacing.stagger
      guard start <= room - part.bytes else { break }
      if taken >> (start % ArenaPlacing.page / ArenaPlacing.stagger) & 1 == 0 { return start }
    }
    return offset
  }
}
