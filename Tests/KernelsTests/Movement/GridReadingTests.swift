import Kernels
import Testing

/// Images read between their pixels with channels side by side, against single pixels in float64.
@Suite struct GridReadingTests {
  @Test(arguments: [(3, 40), (8, 40), (21, 300), (40, 700)])
  func equalsSinglePixels(channels: Int, points: Int) {
    let (batch, height, width) = (2, 7, 11)
    let x = (0..<batch * channels * height * width).map { Float($0 * 7919 % 211 - 105) / 16 }
    var grid = (0..<batch * points * 2).map { Float($0 * 7919 % 301 - 150) / 120 }
    (grid[0], grid[1], grid[2]) = (-1, 1, .nan)
    for isa in InstructionSet.allCases where isa <= .detected {
      for flags in 0..<4 {
        let (aligns, border) = (flags & 1 != 0, flags & 2 != 0)
        let reading = GridReading(
          batch: batch, channels: channels, height: height, width: width, points: points,
          aligns: aligns, border: border, isa: isa)
        var y = [Float](repeating: 9, count: batch * channels * points)
        let scratch = UnsafeMutableRawPointer.allocate(
          byteCount: max(1, reading.scratchBytes), alignment: 64)
        defer { scratch.deallocate() }
        reading.run(x: x, grid: grid, y: &y, scratch: scratch, pool: .single)
        func around(_ place: Float, _ size: Int) -> [(Int, Double)] {
          let n = Double(size)
          var at = aligns ? (Double(place) + 1) / 2 * (n - 1) : ((Double(place) + 1) * n - 1) / 2
          if at.isNaN { at = 0 }
          if border { at = min(max(at, 0), n - 1) }
          let low = at.rounded(.down)
          return [(Int(low), 1 - (at - low)), (Int(low) + 1, at - low)]
            .filter { $0.0 >= 0 && $0.0 < size }
        }
        for n in 0..<batch {
          for p in 0..<points {
            let at = (n * points + p) * 2
            let (columns, rows) = (around(grid[at], width), around(grid[at + 1], height))
            for c in 0..<channels {
              var want = 0.0
              for (row, v) in rows {
                for (column, h) in columns {
                  let pixel = x[((n * channels + c) * height + row) * width + column]
                  want += v * h * Double(pixel)
                }
              }
              let got = Double(y[(n * channels + c) * points + p])
              #expect(abs(got - want) <= 2e-5, "\(isa) \(flags) point \(p) channel \(c)")
            }
          }
        }
      }
    }
  }
}
