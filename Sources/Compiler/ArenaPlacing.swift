/// Buffers being placed, with what all orders share.
struct ArenaPlacing {
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
    var block = PlacedParts(alignment: alignment, expecting: order.count)
    for i in order {
      let offset = block.place(buffers[i])
      offsets[i] = offset
      let end = aligned(offset + sizes[i])
      if end > total {
        total = end
        highest = i
      }
    }
    return (offsets, total, highest)
  }
}
