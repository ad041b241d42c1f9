import Kernels
import Testing

@Suite struct ColumnSumsTests {
  @Test(arguments: LaneSet.available) func equalsSums(lanes: LaneSet) throws {
    let pool = ThreadPool(threads: 2)
    for columns in [1, 5, 16, 33, 70] {
      for rows in [0, 1, 7, 2000] {
        let x = (0..<rows * columns).map { Float($0 * 7 % 23) / 8 }
        var y = [Float](repeating: 9, count: columns)
        ColumnSums(rows: rows, columns: columns).run(x, into: &y, pool: pool, lanes: lanes)
        for j in 0..<columns {
          var sum = 0.0
          for i in 0..<rows { sum += Double(x[i * columns + j]) }
          #expect(y[j] == Float(sum), "\(rows) by \(columns), column \(j)")
        }
      }
    }
  }
}
