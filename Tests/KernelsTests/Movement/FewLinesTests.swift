import CKernels
import Kernels
import Testing

/// Lines of elements that take turns, taken apart and put together, in memory that ends where a
/// read or write beyond would be seen.
@Suite struct FewLinesTests {
  @Test(arguments: [1, 2, 4, 8]) func equalsOneByOne(width: Int) throws {
    guard dl_movement_has_avx2() != 0 else { return }
    for lines in 2...5 {
      for count in [1, 15, 16, 17, 40, 64, 129] {
        for isSplit in [true, false] {
          let (rows, columns) = isSplit ? (count, lines) : (lines, count)
          let bytes = rows * columns * width
          let from = try #require(GuardedMemory(bytes: bytes))
          let to = try #require(GuardedMemory(bytes: bytes))
          let x = from.start.assumingMemoryBound(to: UInt8.self)
          let y = to.start.assumingMemoryBound(to: UInt8.self)
          for i in 0..<bytes { x[i] = UInt8(truncatingIfNeeded: i &* 73 &+ i >> 8) }
          let isDone = dl_transpose_few__avx2(
            y, Int64(rows * width), x, Int64(columns * width), Int64(rows), Int64(columns),
            Int64(width))
          #expect((isDone != 0) == (lines <= 4 && count >= 16), "\(lines) \(count)")
          guard isDone != 0 else { continue }
          for r in 0..<rows {
            for c in 0..<columns {
              for b in 0..<width {
                #expect(y[(c * rows + r) * width + b] == x[(r * columns + c) * width + b])
              }
            }
          }
        }
      }
    }
  }

  /// A NonZero of rows that end right before memory nobody may touch, of every width.
  @Test(arguments: [1, 2, 4, 8, 16]) func placesOfWhatIsNotZero(width: Int) throws {
    let sizes = [3, 2, 7]
    let memory = try #require(GuardedMemory(bytes: 42 * width))
    let x = memory.start.assumingMemoryBound(to: UInt8.self)
    for i in 0..<42 * width { x[i] = 0 }
    let parts = width == 16 ? 2 : 1
    let sign: UInt64 = 1 << UInt64(width / parts * 8 - 1)
    // A negative zero everywhere, and something at some places.
    for i in 0..<42 { x[(i + 1) * width - 1] = 0x80 }
    let filled = [0, 5, 6, 7, 20, 41]
    for i in filled { x[i * width] |= 1 }
    for lanes in LaneSet.available {
      let count = NonZeroPlaces.count(
        x, count: 42, width: width, parts: parts, ignored: sign, lanes: lanes)
      #expect(count == filled.count)
      var places = [Int64](repeating: -1, count: 3 * count)
      NonZeroPlaces.write(
        x, sizes: sizes, width: width, parts: parts, ignored: sign, found: count, to: &places,
        lanes: lanes)
      let want =
        filled.map { Int64($0 / 14) } + filled.map { Int64($0 / 7 % 2) }
        + filled.map { Int64($0 % 7) }
      #expect(places == want)
    }
  }
}
