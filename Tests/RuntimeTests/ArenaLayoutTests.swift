import Compiler
import Testing

@Suite struct ArenaLayoutTests {
  @Test func buffersThatLiveTogetherDoNotOverlap() {
    var state: UInt64 = 7
    func next(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return Int(state >> 33) % n
    }
    for _ in 0..<50 {
      let buffers = (0..<60).map { _ in
        let first = next(100)
        return Lifetime(bytes: next(5000), first: first, last: first + next(20))
      }
      let (offsets, total) = layOutArena(buffers)
      for i in buffers.indices {
        #expect(offsets[i] % 64 == 0 && offsets[i] + buffers[i].bytes <= total)
        for j in 0..<i
        where buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last {
          let apart =
            offsets[i] + buffers[i].bytes <= offsets[j]
            || offsets[j] + buffers[j].bytes <= offsets[i]
          #expect(apart || buffers[i].bytes == 0 || buffers[j].bytes == 0)
        }
      }
    }
  }

  @Test func aChainNeedsTwoBuffers() {
    let chain = (0..<10).map { Lifetime(bytes: 1000, first: $0, last: $0 + 1) }
    #expect(layOutArena(chain).total == 2048)
  }
}
