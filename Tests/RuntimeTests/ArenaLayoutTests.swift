import Compiler
import Testing

@Suite struct ArenaLayoutTests {
  private struct Draw {
    var state: UInt64 = 7
    mutating func next(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return Int(state >> 33) % n
    }
  }

  /// Whether no two parts that live at the same step share a byte, and all lie below the total.
  private func isSound(_ buffers: [ArenaBuffer], _ layout: ArenaLayout) -> Bool {
    var placed: [(start: Int, end: Int, part: ArenaBuffer.Part)] = []
    for (buffer, offset) in zip(buffers, layout.offsets) {
      guard offset % 64 == 0 else { return false }
      for part in buffer.parts where part.bytes > 0 {
        let start = offset + part.offset
        let end = start + part.bytes
        guard end <= layout.total else { return false }
        for other in placed
        where other.part.first <= part.last && part.first <= other.part.last {
          guard end <= other.start || other.end <= start else { return false }
        }
        placed.append((start, end, part))
      }
    }
    return true
  }

  @Test func buffersThatLiveTogetherDoNotOverlap() {
    var draw = Draw()
    for round in 0..<60 {
      let buffers = (0..<60).map { _ -> ArenaBuffer in
        var parts: [ArenaBuffer.Part] = []
        var offset = 0
        for _ in 0..<(round % 2 == 0 ? 1 : 1 + draw.next(4)) {
          let first = draw.next(100)
          let bytes = draw.next(round % 3 == 0 ? 90_000 : 5000)
          parts.append(
            .init(offset: offset, bytes: bytes, first: first, last: first + draw.next(20)))
          offset += bytes
        }
        return ArenaBuffer(parts: parts)
      }
      let layout = ArenaLayout(buffers)
      #expect(isSound(buffers, layout))
      #expect(layout.total >= layout.fullest - 64 * 60)
    }
  }

  @Test func aChainNeedsTwoBuffers() {
    let chain = (0..<10).map { ArenaBuffer(bytes: 1000, first: $0, last: $0 + 1) }
    #expect(ArenaLayout(chain).total == 2048)
  }

  @Test func nothingTakesNothing() {
    #expect(ArenaLayout([]).total == 0)
    #expect(ArenaLayout([ArenaBuffer(bytes: 0, first: 0, last: 3)]).total == 0)
  }

  /// What one part of a buffer does not need yet holds others meanwhile.
  @Test func partsLeaveRoomBeforeTheyLive() {
    let whole = ArenaBuffer(parts: [
      .init(offset: 0, bytes: 64_000, first: 0, last: 9),
      .init(offset: 64_000, bytes: 64_000, first: 8, last: 9),
    ])
    let other = ArenaBuffer(bytes: 64_000, first: 2, last: 5)
    let layout = ArenaLayout([whole, other])
    #expect(isSound([whole, other], layout))
    #expect(layout.total == 128_000)
  }

  /// The largest first would leave a hole that nothing fits; another order fills it.
  @Test func theOrderIsChosen() {
    let buffers = [
      ArenaBuffer(bytes: 6400, first: 4, last: 6), ArenaBuffer(bytes: 4800, first: 0, last: 2),
      ArenaBuffer(bytes: 3200, first: 2, last: 4), ArenaBuffer(bytes: 1600, first: 1, last: 5),
    ]
    let layout = ArenaLayout(buffers)
    #expect(isSound(buffers, layout))
    #expect(layout.total == layout.fullest)
  }

  @Test func largeBuffersOfAStepStartApartWithinAPage() {
    let size = 1 << 20
    let buffers = (0..<3).map { ArenaBuffer(bytes: size, first: $0, last: 3) }
    let layout = ArenaLayout(buffers)
    #expect(isSound(buffers, layout))
    #expect(Set(layout.offsets.map { $0 % 4096 / 256 }).count == 3)
    #expect(layout.total <= 3 * size + 4096)
  }
}
