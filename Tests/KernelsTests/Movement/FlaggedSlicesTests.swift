import Kernels
import Testing

/// Elements by their flags, and the places of those that are not zero, in memory that ends where a
/// write beyond would be seen.
@Suite struct FlaggedSlicesTests {
  @Test(arguments: [1, 2, 4, 8, 12]) func equalsOneByOne(block: Int) throws {
    for lanes in LaneSet.available {
      for (outer, size, share) in [(1, 1, 1), (3, 40, 2), (2, 133, 3), (1, 300, 1), (2, 64, 100)] {
        let flags = (0..<size).map { UInt8($0 * 7919 % 101 % share == 0 ? $0 % 3 + 1 : 0) }
        let kept = flags.indices.filter { flags[$0] != 0 }
        let x = (0..<outer * size * block).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ $0 >> 8) }
        let to = try #require(GuardedMemory(bytes: outer * kept.count * block))
        FlaggedSlices.take(
          to: to.start, from: x, flags: flags, count: size, kept: kept.count, outer: outer,
          size: size, blockBytes: block, lanes: lanes)
        var at = 0
        for o in 0..<outer {
          for i in kept {
            for b in 0..<block {
              let got = to.start.load(fromByteOffset: at, as: UInt8.self)
              #expect(got == x[(o * size + i) * block + b], "\(lanes) \(outer) \(size)")
              at += 1
            }
          }
        }
      }
    }
  }

  @Test(arguments: [1, 2, 4, 8]) func placesOfManyElements(width: Int) throws {
    for lanes in LaneSet.available {
      for (rows, size, share) in [(1, 300, 2), (3, 129, 3), (2, 64, 1), (1, 513, 50)] {
        let x = (0..<rows * size * width).map {
          UInt8($0 % width == 0 && $0 / width * 7919 % 101 % share == 0 ? 1 : 0)
        }
        let filled = (0..<rows * size).filter { x[$0 * width] != 0 }
        let count = NonZeroPlaces.count(
          x, count: rows * size, width: width, parts: 1, ignored: 0, lanes: lanes)
        #expect(count == filled.count)
        let to = try #require(GuardedMemory(bytes: 16 * count))
        let y = to.start.assumingMemoryBound(to: Int64.self)
        NonZeroPlaces.write(
          x, sizes: [rows, size], width: width, parts: 1, ignored: 0, found: count, to: y,
          lanes: lanes)
        let isRight = filled.indices.allSatisfy {
          y[$0] == Int64(filled[$0] / size) && y[count + $0] == Int64(filled[$0] % size)
        }
        #expect(isRight, "\(lanes) \(rows) \(size) \(width)")
      }
    }
  }
}
