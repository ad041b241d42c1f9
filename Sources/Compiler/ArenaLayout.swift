/// A buffer's size in bytes and the steps during which it holds something, both ends included.
public struct Lifetime: Sendable {
  public var bytes: Int
  public var first: Int
  public var last: Int
  public init(bytes: Int, first: Int, last: Int) {
    self.bytes = bytes
    self.first = first
    self.last = last
  }
}

/// An offset for each buffer such that no two that live at the same time overlap.
///
/// Greedy by size: the largest first, each at the lowest gap between those already placed whose
/// lifetimes touch its own. Offsets and the total are multiples of `alignment` bytes.
/// Source: Pisarchyk & Lee 2020, <https://arxiv.org/abs/2001.03288>.
public func layOutArena(
  _ buffers: [Lifetime], alignment: Int = 64
) -> (offsets: [Int], total: Int) {
  var offsets = [Int](repeating: 0, count: buffers.count)
  var total = 0
  let order = buffers.indices.sorted {
    (buffers[$0].bytes, buffers[$1].first) > (buffers[$1].bytes, buffers[$0].first)
  }
  // Placed buffers by rising offset.
  var placed: [Int] = []
  for i in order {
    let size = (buffers[i].bytes + alignment - 1) / alignment * alignment
    if size == 0 { continue }
    var offset = 0
    for j in placed
    where buffers[j].first <= buffers[i].last && buffers[i].first <= buffers[j].last {
      if offset + size <= offsets[j] { break }
      let end = offsets[j] + (buffers[j].bytes + alignment - 1) / alignment * alignment
      offset = max(offset, end)
    }
    offsets[i] = offset
    total = max(total, offset + size)
    let place = placed.firstIndex { offsets[$0] > offset } ?? placed.endIndex
    placed.insert(i, at: place)
  }
  return (offsets, total)
}
