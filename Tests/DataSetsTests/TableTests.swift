import DataSets
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct TableTests {
  @Test func kindsOfColumns() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/t.csv"
      try writeBytes(
        Array(
          """
          n,flag,word,mixed,day,none
          1.5,true,a,1,2024-01-02,
          NA,false,b,x,2024-01-03,
          -2,true,a,2,,
          """.utf8), path)
      let table = try Table(contentsOf: path)
      #expect(table.rowCount == 3)
      #expect(
        table.columns.map(\.kind) == [.numbers, .numbers, .texts, .texts, .dates, .empty])
      #expect(table.columns[0].missing == 1)
      #expect(table.columns[1].numbers == [1, 0, 1])
      #expect(table.columns[2].counts.map(\.cell) == ["a", "b"])
      #expect(throws: EngineError.self) { try table.column("other") }
    }
  }

  @Test(arguments: [
    "2024-03-01", "01.03.2024", "3/1/24", "2024-03-01T10:00:00Z", "10:30", "10:30:05",
    "1 Mar 2024", "Mar 1, 2024", "1-Mar-24", "2024/3/1 10:00",
  ]) func dates(text: String) throws {
    #expect(TableColumn(name: "d", index: 0, cells: [text, text]).kind == .dates)
  }

  @Test(arguments: ["1.2.3", "a-b-c", "12:x", "mar", "Mar 1", "555-1234", "v2.0"])
  func otherText(text: String) throws {
    #expect(TableColumn(name: "d", index: 0, cells: [text, text]).kind == .texts)
  }

  @Test func streamsInTheSameOrder() throws {
    try inTemporaryFolder { folder in
      let path = "\(folder)/t.csv"
      try writeBytes(
        Array(("a,b,y\n" + (0..<50).map { "\($0),1,\($0 * 2)\n" }.joined()).utf8), path)
      func epoch(_ s: TableStream) throws -> [Float] {
        try s.begin()
        var list: [Float] = []
        while let batch = try s.next() {
          #expect(batch.inputs[0].shape[1] == 2)
          list += Array(batch.targets[0].elements(Float.self))
        }
        return list
      }
      func stream() throws -> TableStream {
        try TableStream(
          path, features: ["a", "b"], target: "y", batchSize: 8, buffer: 20, seed: 3)
      }
      let s = try stream()
      let (first, second) = (try epoch(s), try epoch(s))
      #expect(first.sorted() == (0..<50).map { Float(2 * $0) })
      #expect(first != second && first != first.sorted())
      let other = try stream()
      other.resume(at: .init(epoch: 1, batch: 3))
      // A block of 24 rows has three batches.
      #expect(try epoch(other) == Array(second[24...]))
    }
  }
}
