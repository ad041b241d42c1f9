import Glibc
import Tensors
import Testing

@testable import Formats

@Suite struct CSVWriterTests {
  func text(_ delimiter: UInt8 = 0x2C, _ body: (inout CSVWriter<MemorySink>) throws -> Void) throws
    -> String
  {
    var w = CSVWriter(MemorySink(), delimiter: delimiter)
    try body(&w)
    try w.flush()
    return String(decoding: w.sink.bytes, as: UTF8.self)
  }

  @Test func writesShortNumbers() throws {
    let floats: [Float] = [0, -0.0, 1, -2.5, 0.1, 1e-7, 16777216, 3.4028235e38, .nan, -.infinity]
    let got = try text { try $0.write(rows: [try Tensor(shape: [1, 10], floats)]) }
    #expect(got == "0.0,-0.0,1.0,-2.5,0.1,1e-07,16777216.0,3.4028235e+38,nan,-inf\n")
  }

  @Test func quotesWhereItMust() throws {
    let got = try text {
      try $0.write(header: ["a", "b,c", "", "d\"e", " f", "g\nh"])
      for s in ["x;y", "1", "nan", "ü", "q\"", "z"] { $0.add(s) }
      try $0.endRow()
    }
    #expect(got == "a,\"b,c\",\"\",\"d\"\"e\",\" f\",\"g\nh\"\nx;y,1,nan,ü,\"q\"\"\",z\n")
    #expect(try text(0x3B) { try $0.write(header: ["a;b", "c,d"]) } == "\"a;b\";c,d\n")
  }

  @Test func laysTensorsSideBySide() throws {
    let got = try text {
      try $0.write(rows: [
        try Tensor(shape: [2, 1, 2], [1, 2, 3, 4] as [Int8]),
        try Tensor([UInt64.max, 0]), try Tensor(shape: [2], strings: ["a", "b"]),
        try Tensor([true, false]), try Tensor([1.5, 0.1] as [Double]),
      ])
    }
    #expect(got == "1,2,18446744073709551615,a,1,1.5\n3,4,0,b,0,0.1\n")
    #expect(try text { try $0.write(rows: [try Tensor(scalar: Float(3))]) } == "3.0\n")
    #expect(
      failure {
        try text { try $0.write(rows: [try Tensor([1.0, 2.0]), try Tensor([1.0])]) }
      }?.code == .shape)
    #expect(
      failure {
        try text {
          $0.add("x")
          try $0.endRow()
          $0.add("x")
          $0.add("y")
          try $0.endRow()
        }
      }?.code == .usage)
  }

  /// Every float written reads back as the same bits, negative zero and subnormals included.
  @Test func readsBackExactly() throws {
    var state: UInt32 = 1
    let floats: [Float] = (0..<3000).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      let f = Float(bitPattern: state)
      return f.isNaN ? 0.25 : f
    }
    let table = try Tensor(shape: [300, 10], floats)
    let got = try text { try $0.write(rows: [table]) }
    let back = try withFile(Array(got.utf8)) { try CSVReader(path: $0).readAll() }
    #expect(back.shape == [300, 10])
    #expect(zip(back.floats, floats).allSatisfy { $0.bitPattern == $1.bitPattern })
  }

  @Test func textReadsBack() throws {
    let cells = ["a,b", "", " x", "q\"q", "two\r\nlines", "ä€😀"]
    let tensor = try Tensor(shape: [6], strings: cells)
    let got = try text { try $0.write(rows: [tensor]) }
    var options = CSVOptions()
    options.header = .absent
    options.delimiter = 0x2C
    let back = try withFile(Array(got.utf8)) {
      try CSVReader(path: $0, options: options).nextBatch(rows: 9, columns: [CSVColumn(0, .text)])
    }
    #expect(back?[0].strings == cells)
  }

  @Test func writesToFiles() throws {
    let table = try Tensor(shape: [50_000, 3], [Float](repeating: 1.5, count: 150_000))
    let size = try withFile([]) { path in
      let file = try AtomicFile(path)
      var w = CSVWriter(file)
      try w.write(rows: [table])
      try w.flush()
      try file.commit()
      return try contents(of: path).count
    }
    #expect(size == 50_000 * 12)
    let fd = open("/dev/full", O_WRONLY)
    defer { close(fd) }
    var full = FileSink(descriptor: fd, path: "full")
    try full.write([1, 2, 3])
    #expect(failure { try full.flush() }?.code == .io)
  }
}
