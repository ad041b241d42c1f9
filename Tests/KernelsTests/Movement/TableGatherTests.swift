import Kernels
import Testing

/// Tables with runs, repeats and lone places, against elements picked one by one.
@Suite struct TableGatherTests {
  @Test(arguments: [1, 2, 4, 8, 16]) func equalsOneByOne(width: Int) {
    let (rows, columns) = (3, 40)
    var tables: [[Int]] = []
    for n in 1...5 {
      tables.append((0..<columns * n).map { i in i / n })
      tables.append((0..<20 * n).map { i in 7 + i / n })
    }
    tables.append([2, 1] + Array(0..<40) + [38, 37])
    tables.append(Array((0..<columns).reversed()) + Array(0..<30) + [5, 5, 5])
    let x = (0..<rows * columns * width).map { i in UInt8(truncatingIfNeeded: i &* 73 &+ i >> 8) }
    for table in tables {
      let gather = TableGather(
        sourceSizes: [rows, columns], tables: [[0, 2, 2, 1], table], elementBytes: width)
      var y = [UInt8](repeating: 0, count: 4 * table.count * width)
      var want: [UInt8] = []
      for row in [0, 2, 2, 1] {
        for place in table {
          let first = (row * columns + place) * width
          want += x[first..<first + width]
        }
      }
      for lanes in LaneSet.available {
        y.withUnsafeMutableBytes { y in
          x.withUnsafeBytes { x in
            guard let to = y.baseAddress, let from = x.baseAddress else { return }
            gather.run(to: to, from: from, pool: .single, lanes: lanes)
          }
        }
        #expect(y == want, "\(lanes) \(table)")
      }
    }
  }
}
