import Kernels
import Testing

/// Means and largest samples of regions, against samples read one by one in float64.
@Suite struct RegionPoolingTests {
  private let channels = 21
  private let rows = 9
  private let columns = 12

  /// Weight and place of the two pixels around a sample; none far outside.
  private func around(_ at: Double, _ size: Int) -> [(Int, Double)] {
    guard at >= -1, at <= Double(size) else { return [(0, 0)] }
    let inside = min(max(at, 0), Double(size - 1))
    let (low, part) = (Int(inside), inside - inside.rounded(.down))
    return [(low, 1 - part), (min(low + 1, size - 1), part)]
  }

  /// Where a sample of a bin lies, in bins.
  private func sample(_ bin: Int, _ i: Int, of count: Double) -> Double {
    Double(bin) + (Double(i) + 0.5) / count
  }

  @Test(arguments: [false, true]) func equalsSamples(takesPeaks: Bool) {
    let x = (0..<channels * rows * columns).map { Float($0 * 7919 % 211 - 105) / 16 }
    // First place, length of a bin and samples, along rows and columns.
    let regions: [[Double]] = [
      [1.2, 2.3, 3, 0.5, 2.9, 3], [-3, 2, 2, 4.5, 3, 3], [0, 0.4, 1, 8, 0.1, 1],
      [20, 1, 1, 3, 1, 1],
      [2, 1, 0, 3, 1, 2],
    ]
    for isAdaptive in [false, true] {
      for isa in InstructionSet.allCases where isa <= .detected {
        let pooling = RegionPooling(
          channels: channels, map: (rows, columns), bins: (2, 3), regions: regions.count,
          samples: isAdaptive ? nil : 3, takesPeaks: takesPeaks, threads: 1, isa: isa)
        var y = [Float](repeating: 9, count: regions.count * channels * 6)
        let scratch = UnsafeMutableRawPointer.allocate(
          byteCount: pooling.scratchBytes, alignment: 64)
        defer { scratch.deallocate() }
        func sides(_ r: Int) -> (map: Int, down: RegionPooling.Side, across: RegionPooling.Side) {
          let v = regions[r]
          return (
            0, .init(first: v[0], bin: v[1], samples: Int(v[2])),
            .init(first: v[3], bin: v[4], samples: Int(v[5]))
          )
        }
        pooling.run(maps: 1, x: x, y: &y, scratch: scratch, pool: .single, region: sides)
        for (r, v) in regions.enumerated() {
          for c in 0..<channels {
            for bin in 0..<6 {
              var (sum, peak) = (0.0, -Double.infinity)
              for i in 0..<Int(v[2]) {
                let down = v[0] + sample(bin / 3, i, of: v[2]) * v[1]
                for j in 0..<Int(v[5]) {
                  let across = v[3] + sample(bin % 3, j, of: v[5]) * v[4]
                  for (row, p) in around(down, rows) {
                    for (column, q) in around(across, columns) {
                      let part = p * q * Double(x[(c * rows + row) * columns + column])
                      sum += part
                      peak = max(peak, part)
                    }
                  }
                }
              }
              let count = Int(v[2]) * Int(v[5])
              let want = count == 0 ? 0 : takesPeaks ? peak : sum / Double(count)
              let got = Double(y[(r * channels + c) * 6 + bin])
              #expect(abs(got - want) <= 2e-5, "\(isa) \(isAdaptive) region \(r) bin \(bin)")
            }
          }
        }
      }
    }
  }
}
