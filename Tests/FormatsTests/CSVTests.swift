import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct CSVReaderTests {
  func reader(_ text: String, _ change: (inout CSVOptions) -> Void = { _ in }) throws -> CSVReader {
    var options = CSVOptions()
    change(&options)
    return try withFile(Array(text.utf8)) { path in
      try CSVReader(path: path, options: options)
    }
  }

  func all(_ text: String, _ change: (inout CSVOptions) -> Void = { _ in }) throws -> Tensor {
    try reader(text, change).readAll()
  }

  @Test func readsNumbersUnderAHeader() throws {
    let r = try reader("a,b\n1,2.5\n-3e2,.5\n")
    #expect(r.header == ["a", "b"])
    let t = try #require(try r.nextBatch(rows: 10))
    #expect(t.shape == [2, 2])
    #expect(t.floats == [1, 2.5, -300, 0.5])
    #expect(try r.nextBatch(rows: 10) == nil)
  }

  @Test func handsOutBatches() throws {
    let r = try reader("1,2\n3,4\n5,6")
    #expect(r.header == nil)
    #expect(try r.nextBatch(rows: 2)?.floats == [1, 2, 3, 4])
    #expect(try r.nextBatch(rows: 2)?.floats == [5, 6])
    #expect(try r.nextBatch(rows: 2) == nil)
  }

  @Test func picksOrdersAndRepeatsColumns() throws {
    let r = try reader("a,b,c\n1,x,3\n4,y,6\n")
    #expect(try r.columns(named: ["c", "a"]) == [2, 0])
    #expect(try r.nextBatch(rows: 9, columns: [2, 0, 2])?.floats == [3, 1, 3, 6, 4, 6])
    #expect(failure { try r.columns(named: ["d"]) }?.code == .usage)
    #expect(failure { try r.nextBatch(rows: 1, columns: [3]) }?.code == .usage)
  }

  @Test(arguments: ["\n", "\r\n", "\r"]) func readsEveryLineEnd(_ end: String) throws {
    let text = ["a;b", "1;2", "", "3;4"].joined(separator: end)
    #expect(try all(text).floats == [1, 2, 3, 4])
    #expect(try all(text + end).floats == [1, 2, 3, 4])
  }

  @Test func detectsDelimiters() throws {
    #expect(try reader("1;2;3\n").delimiter == 0x3B)
    #expect(try reader("1\t2\n").delimiter == 0x09)
    #expect(try reader("1|2\n").delimiter == 0x7C)
    #expect(try reader("\"a,b,c\";d\n1;2\n").header == ["a,b,c", "d"])
    #expect(try all("1 2\n3 4\n") { $0.delimiter = 0x20 }.floats == [1, 2, 3, 4])
    #expect(failure { try reader("1e2") { $0.delimiter = 0x65 } }?.code == .usage)
  }

  @Test func findsHeaders() throws {
    #expect(try reader("x,y\n1,2").header == ["x", "y"])
    #expect(try reader("5.1,setosa\n4.9,virginica").header == nil)
    #expect(try reader("5.1,setosa\n4.9,3").header == ["5.1", "setosa"])
    #expect(try reader("1,2\n") { $0.header = .present }.header == ["1", "2"])
    #expect(try reader("x,y\n") { $0.header = .absent }.header == nil)
    #expect(try reader(",a\n0,1\n").header == ["", "a"])
    #expect(try reader("\u{FEFF}a,b\n1,2\n").header == ["a", "b"])
  }

  @Test func missingValuesAreNaN() throws {
    let t = try all("1,,NaN,NA,null,n/a,None, ,<NA>\n")
    #expect(t.floats[0] == 1)
    #expect(t.floats.dropFirst().allSatisfy { $0.isNaN })
    #expect(try all("True,FALSE\n").floats == [1, 0])
    #expect(try all("inf,-Infinity,+inf\n").floats == [.infinity, -.infinity, .infinity])
  }

  @Test func readsQuotes() throws {
    #expect(try all("\"1\",\" 2 \"\n3,\"4\"").floats == [1, 2, 3, 4])
    let r = try reader("id,t\n1,\"a \"\"b\"\", c\nd\"\n2,e\n")
    let columns = try #require(
      try r.nextBatch(rows: 5, columns: [CSVColumn(1, .text), CSVColumn(0, .int64)]))
    #expect(columns[0].strings == ["a \"b\", c\nd", "e"])
    #expect(try columns[1].values(as: Int64.self) == [1, 2])
  }

  @Test func saysWhereTextStands() throws {
    let e = try #require(failure { try all("a,b\n1,2\n\n3,\"x\ny\"\n") })
    #expect(e.code == .malformed)
    #expect(e.subject.line == 4)
    #expect(e.message.contains("'b' (2)"))
    let f = try #require(
      failure { try reader("1,2\n\"3\n\",x\n").readAll(columns: [1]) })
    #expect(f.subject.line == 3)
    #expect(f.message.contains("column 2"))
    #expect(f.received == "'x'")
    #expect(failure { try all("1;2\n1,5;2\n") }?.hint?.contains("decimal") == true)
  }

  @Test func saysWhereRowsDiffer() throws {
    for (text, count) in [("1,2\n3\n", "1"), ("1,2\n3,4,5\n", "3"), ("1,2\n3,4,\n", "3")] {
      let e = try #require(failure { try all(text) })
      #expect(e.code == .malformed)
      #expect(e.subject.line == 2)
      #expect(e.expected == "2")
      #expect(e.received == count)
    }
  }

  @Test func refusesBrokenText() throws {
    #expect(failure { try all("") }?.code == .malformed)
    #expect(failure { try all("\n\n") }?.code == .malformed)
    #expect(failure { try all("1,\"2\n3,4\n") }?.code == .malformed)
    #expect(failure { try all("1,\"2\"3\n") }?.code == .malformed)
    #expect(failure { try all("1,1e\n") { $0.header = .absent } }?.code == .malformed)
    #expect(failure { try all("1,0x10\n") { $0.header = .absent } }?.code == .malformed)
    #expect(failure { try all("1,2\u{0}\n") { $0.header = .absent } }?.code == .malformed)
    #expect(failure { try CSVReader(path: "/nowhere/x.csv") }?.code == .inputMissing)
    #expect(failure { try CSVReader(path: "/tmp") }?.code == .inputMissing)
    let utf16 = failure { try withFile([0xFF, 0xFE, 0x31, 0]) { try CSVReader(path: $0) } }
    #expect(utf16?.code == .unsupported)
    let long = String(repeating: "1,", count: 600)
    #expect(
      failure {
        try all(long + "1\n") {
          $0.maxRowBytes = 100
          $0.blockBytes = 64
        }
      }?.code == .budget)
  }

  @Test func integersAreExact() throws {
    let r = try reader("9223372036854775807,-9223372036854775808\n+5,0\n")
    let both = [CSVColumn(0, .int64), CSVColumn(1, .int64)]
    let c = try #require(try r.nextBatch(rows: 9, columns: both))
    #expect(try c[0].values(as: Int64.self) == [.max, 5])
    #expect(try c[1].values(as: Int64.self) == [.min, 0])
    func code(_ cell: String) throws -> EngineError.Code? {
      let r = try reader("\(cell),1\n") { $0.header = .absent }
      return failure { try r.nextBatch(rows: 1, columns: both) }?.code
    }
    #expect(try code("9223372036854775808") == .value)
    #expect(try code("1.5") == .malformed)
    #expect(try code("") == .malformed)
    let filled = try reader(",1\n") { $0.missingInteger = -1 }
    #expect(try filled.nextBatch(rows: 1, columns: both)?[0].values(as: Int64.self) == [-1])
  }

  /// Rows that straddle blocks are read as any other, whatever the size of the block.
  @Test func blocksDoNotShow() throws {
    var text = "name,\"v\n1\",w\r\n"
    var want: [Float] = []
    for i in 0..<60 {
      text += "\"n\"\"\(i)\",\(Float(i) * 1.25),\"\(-i)\"\r\n"
      want += [Float(i) * 1.25, Float(-i)]
    }
    for block in 16...80 {
      let r = try reader(text) { $0.blockBytes = block }
      #expect(try r.readAll(columns: [1, 2]).floats == want)
      let s = try reader(text) { $0.blockBytes = block }
      let names = try #require(try s.nextBatch(rows: 100, columns: [CSVColumn(0, .text)]))
      #expect(names[0].strings == (0..<60).map { "n\"\($0)" })
    }
  }

  @Test func hostileBytesNeverTrap() throws {
    let text = "a,b,c\n1,2.5,\"x\"\"y\"\r\n-3e-5,,NaN\n"
    _ = attack(Array(text.utf8)) { bytes in
      let (a, b) = try withFile(bytes) { (try CSVReader(path: $0), try CSVReader(path: $0)) }
      _ = try? a.readAll()
      let columns = (0..<b.columnCount).map { CSVColumn($0, $0 == 2 ? .text : .float64) }
      while try b.nextBatch(rows: 1, columns: columns) != nil {}
    }
  }
}
