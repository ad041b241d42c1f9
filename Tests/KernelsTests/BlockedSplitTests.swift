import Testing

@testable import Kernels

@Suite struct BlockedSplitTests {
  private func sizes(_ length: Int, groups: Int, images: Int = 1) -> BlockedSplit.Sizes {
    BlockedSplit.Sizes(
      length: length, images: images, leastChunks: 1, shortest: 56, groups: groups, tile: 14,
      overhead: 1, preparation: 0)
  }

  @Test func twoThreadsHaveTheSameToDo() {
    for (length, groups) in [(196, 8), (784, 4), (3136, 2), (49, 16), (196, 32)] {
      let split = BlockedSplit(sizes(length, groups: groups), threads: 2)
      #expect(split.chunk * split.chunks >= length)
      #expect(split.chunk * (split.chunks - 1) < length)
      #expect(split.shares <= groups)
      let turns = (split.chunks * split.shares + 1) / 2
      let most = turns * split.chunk * ((groups + split.shares - 1) / split.shares)
      #expect(most * 100 <= length * groups * 52, "\(length) pixels, \(groups) groups: \(split)")
    }
  }

  @Test func aThreadAloneKeepsToTheCaches() {
    var s = sizes(1000, groups: 4)
    s.leastChunks = 3
    let split = BlockedSplit(s)
    #expect(split.chunk == 334)
    #expect(split.chunks == 3)
    #expect(split.shares == 1)
  }

  @Test func nothingAndLittleAreOnePiece() {
    for length in [0, 1] {
      let split = BlockedSplit(sizes(length, groups: 1), threads: 4)
      #expect(split.chunk == 1)
      #expect(split.chunks == length)
      #expect(split.shares == 1)
    }
  }
}
