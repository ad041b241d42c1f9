import CKernels
import Kernels
import Testing

/// Transposes in tiles against elements moved one by one, from and to anywhere within a line.
@Suite struct TransposeTilesTests {
  @Test(arguments: [1, 2, 4, 8]) func equalsOneByOne(width: Int) throws {
    let sizes = [1, 3, 7, 8, 9, 12, 15, 16, 17, 31, 40, 66]
    for rows in sizes {
      for columns in sizes {
        for gap in [0, 64 - rows * width % 64] {
          let step = rows * width + gap
          let size = rows * columns * width
          let source = try #require(GuardedMemory(bytes: size))
          let target = try #require(GuardedMemory(bytes: (columns - 1) * step + rows * width))
          let bytes = source.start.assumingMemoryBound(to: UInt8.self)
          for i in 0..<size { bytes[i] = UInt8(truncatingIfNeeded: i &* 73 &+ i >> 7) }
          for isa in LaneSet.available {
            let done = dl_transpose_tiles(
              target.start, Int64(step), source.start, Int64(columns * width), Int64(rows),
              Int64(columns), Int64(width), isa.rawValue)
            if done == 0 { continue }
            var wrong = 0
            let found = target.start.assumingMemoryBound(to: UInt8.self)
            for r in 0..<rows {
              for c in 0..<columns {
                for b in 0..<width
                where found[c * step + r * width + b] != bytes[(r * columns + c) * width + b] {
                  wrong += 1
                }
              }
            }
            #expect(wrong == 0, "\(isa) \(rows) \(columns) \(gap)")
          }
        }
      }
    }
  }
}
