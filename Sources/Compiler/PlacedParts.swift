/// Memory with what was placed in it so far.
public struct PlacedParts {
  private struct Placed {
    let start: Int
    let end: Int
    let first: Int
    let last: Int
    let isLarge: Bool
  }

  /// Bytes of a page of memory.
  private static let page = 4096
  /// Parts from this size on are kept apart within a page.
  private static let large = 1 << 15
  /// Bytes that lie between the starts of two large parts within a page, at least.
  private static let stagger = 256

  /// By rising start.
  private var placed: [Placed] = []
  private let alignment: Int

  public init(alignment: Int = 64, expecting count: Int = 0) {
    self.alignment = alignment
    placed.reserveCapacity(count + 8)
  }

  private func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }

  /// Places a buffer at the lowest offset where it meets nothing that lives when it does.
  public mutating func place(_ buffer: ArenaBuffer) -> Int {
    let offset = lowest(buffer.parts)
    add(buffer, at: offset)
    return offset
  }

  /// The same where the buffer then ends within `bytes` bytes; nil where it does not.
  public mutating func place(_ buffer: ArenaBuffer, within bytes: Int) -> Int? {
    let offset = lowest(buffer.parts)
    guard offset + buffer.bytes <= bytes else { return nil }
    add(buffer, at: offset)
    return offset
  }

  public mutating func add(_ buffer: ArenaBuffer, at offset: Int) {
    for part in buffer.parts {
      let start = offset + part.offset
      var (low, high) = (0, placed.count)
      while low < high {
        let middle = (low + high) / 2
        if placed[middle].start <= start { low = middle + 1 } else { high = middle }
      }
      placed.insert(
        Placed(
          start: start, end: start + part.bytes, first: part.first, last: part.last,
          isLarge: part.bytes >= Self.large), at: low)
    }
  }

  private func lowest(_ parts: [ArenaBuffer.Part]) -> Int {
    guard parts.count > 1 else {
      guard let part = parts.first else { return 0 }
      var offset = 0
      for other in placed where other.first <= part.last && part.first <= other.last {
        if offset + part.bytes <= other.start {
          return staggered(part, offset, room: other.start)
        }
        offset = max(offset, aligned(other.end))
      }
      return staggered(part, offset, room: Int.max)
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
  /// the same step, where the part then ends before `room`.
  private func staggered(_ part: ArenaBuffer.Part, _ offset: Int, room: Int) -> Int {
    guard part.bytes >= Self.large else { return offset }
    // A bit for each place within a page that is taken.
    var taken = 0
    for other in placed
    where other.isLarge && other.first <= part.last && part.first <= other.last {
      taken |= 1 << (other.start % Self.page / Self.stagger)
    }
    for step in 0..<Self.page / Self.stagger {
      let start = offset + step * Self.stagger
      guard start <= room - part.bytes else { break }
      if taken >> (start % Self.page / Self.stagger) & 1 == 0 { return start }
    }
    return offset
  }
}
