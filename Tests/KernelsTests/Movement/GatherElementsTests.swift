import Kernels
import Testing

/// Elements taken by an index each, against a loop.
@Suite struct GatherElementsTests {
  private func memory<T>(_ list: [T]) throws -> GuardedMemory {
    let memory = try #require(GuardedMemory(bytes: max(1, list.count) * MemoryLayout<T>.size))
    list.withUnsafeBytes { memory.start.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    return memory
  }

  @Test(arguments: [InstructionSet.scalar, .current], [1, 3]) func takesWhatALoopTakes(
    isa: InstructionSet, along: Int
  ) throws {
    for (count, size, step) in [(1, 5, 0), (15, 7, 1), (16, 1, 1), (50, 9, 0), (64, 300, 2)] {
      let source = (0..<(size - 1) * along + (count - 1) * step + 1).map { Float($0) }
      let places = (0..<count).map { Int64($0 * 7 % (2 * size) - size) }
      let want = places.enumerated().map { (j, i) in
        source[(i < 0 ? Int(i) + size : Int(i)) * along + j * step]
      }
      let (from, at) = (try memory(source), try memory(places))
      let to = try memory([Float](repeating: 0, count: count))
      let isDone = Blocks.gather(
        to: to.start, from: from.start, indices: at.start, isWide: true, count: count, size: size,
        along: along, step: step, width: 4, isa: isa)
      #expect(isDone)
      let got = UnsafeRawBufferPointer(start: to.start, count: count * 4).bindMemory(to: Float.self)
      #expect(Array(got) == want)
      for wrong in [Int64(size), Int64(-size - 1), Int64.max, Int64.min] {
        for j in [0, count / 2, count - 1] {
          var list = places
          list[j] = wrong
          let bad = try memory(list)
          let isDone = Blocks.gather(
            to: to.start, from: from.start, indices: bad.start, isWide: true, count: count,
            size: size, along: along, step: step, width: 4, isa: isa)
          #expect(!isDone)
        }
      }
    }
  }
}
