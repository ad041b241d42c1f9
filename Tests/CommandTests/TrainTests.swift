import Foundation
import Testing

/// `dlrun train` on tables as they are in the world: it trains, or says why not.
@Suite struct TrainTests {
  /// Draws that are the same everywhere.
  struct Draw {
    var state: UInt64 = 1
    mutating func callAsFunction(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(n))
    }
  }

  /// A size, a colour and whether it is bought, which depends on both.
  static func rows(_ n: Int, _ line: (Int, String, String, String) -> String) -> String {
    var draw = Draw()
    return (0..<n).map { i in
      let size = draw(100)
      let colour = ["red", "green", "blue"][draw(3)]
      let buys = size + (colour == "red" ? 40 : 0) > 60 ? "yes" : "no"
      return line(i, "\(size)", colour, buys) + "\n"
    }.joined()
  }

  /// Trains on a table and runs the model on it; what was printed by both.
  static func train(
    _ text: Data, _ arguments: [String] = []
  ) throws -> (train: Command.Result, infer: Command.Result?) {
    var results: (Command.Result, Command.Result?)?
    try Command.inTemporaryFolder { folder in
      try text.write(to: URL(fileURLWithPath: "\(folder)/data.csv"))
      let first = try Command.run(
        [
          "train", "\(folder)/data.csv", "-o", "\(folder)/m.onnx", "--json", "--quiet", "--epochs",
          "40",
        ]
          + arguments)
      var second: Command.Result?
      if first.status == 0 {
        second = try Command.run(["infer", "\(folder)/m.onnx", "\(folder)/data.csv"])
      }
      results = (first, second)
    }
    return try #require(results)
  }

  static func good(
    _ text: String, _ arguments: [String] = [], rows: Int, note: String? = nil,
    task: String = "binary"
  ) throws {
    let (train, infer) = try self.train(Data(text.utf8), arguments)
    #expect(train.status == 0, "\(train.error)")
    #expect(train.output.contains(task), "\(train.output)")
    if let note { #expect(train.output.contains(note), "\(train.output)") }
    let result = try #require(infer)
    #expect(result.status == 0, "\(result.error)")
    // The header and a line for each row of the raw file.
    #expect(result.output.split(separator: "\n").count == rows + 1)
  }

  static func refused(_ text: Data, _ why: String, _ arguments: [String] = []) throws {
    let (train, _) = try self.train(text, arguments)
    #expect(train.status == 65, "\(train.output)")
    #expect(train.error.contains(why), "\(train.error)")
    #expect(train.error.split(separator: "\n").count == 1)
  }

  @Test func quotes() throws {
    try Self.good(
      "\"si\"\"ze\",\"colour, outside\",buys\n"
        + Self.rows(60) { _, s, c, b in "\"\(s)\",\"\(c), \"\"dark\"\"\",\"\(b)\"" }, rows: 60)
  }

  @Test func byteOrderMark() throws {
    try Self.good(
      "\u{FEFF}size,colour,buys\r\n" + Self.rows(60) { _, s, c, b in "\(s),\(c),\(b)\r" }, rows: 60)
  }

  @Test func emptyCells() throws {
    let text = Self.rows(90) { i, s, c, b in
      "\(i % 5 == 0 ? "" : s),\(i % 7 == 0 ? "" : c),\(i % 11 == 0 ? "" : b)"
    }
    try Self.good("size,colour,buys\n" + text, rows: 90, note: "9 rows without 'buys'")
  }

  @Test func rareCategories() throws {
    let text = Self.rows(90) { i, s, c, b in "\(s),\(i % 6 == 0 ? "rare \(i)" : c),\(b)" }
    try Self.good("size,colour,buys\n" + text, rows: 90, note: "rare categories are one")
  }

  @Test func constantColumns() throws {
    let text = Self.rows(60) { _, s, _, b in "\(s),1,same,,\(b)" }
    try Self.good(
      "size,one,word,nothing,buys\n" + text, rows: 60,
      note: "columns that tell nothing are left out: one, word, nothing")
  }

  @Test func freeText() throws {
    let text = Self.rows(60) { i, s, c, b in "\(s),\"note \(i), about \(c)\",\(b)" }
    try Self.good("size,note,buys\n" + text, rows: 60, note: "'note' is free text")
  }

  @Test func oneClass() throws {
    let text = Self.rows(60) { _, s, c, _ in "\(s),\(c),yes" }
    try Self.refused(Data(("size,colour,buys\n" + text).utf8), "every row has the same 'buys'")
  }

  @Test func foldersAreAskedFirst() throws {
    let made = try Command.run(["train", "Models/iris.csv", "-o", "/nowhere/iris.onnx"])
    #expect(made.status == 73 && !made.error.contains("epoch"), "\(made.error)")
  }

  @Test func twoRows() throws {
    try Self.refused(Data("size,colour,buys\n1,red,yes\n2,blue,no\n".utf8), "too few rows")
  }

  @Test func dates() throws {
    let text =
      "size,day,buys\n" + Self.rows(60) { i, s, _, b in "\(s),2024-03-\(10 + i % 20),\(b)" }
    try Self.refused(Data(text.utf8), "column 'day' holds dates")
    try Self.good(text, ["--ignore", "day"], rows: 60)
  }

  @Test func semicolonsAndNumbersToTell() throws {
    let text = Self.rows(90) { i, s, c, _ in "\(s);\(c);\(s).\(i % 10)" }
    try Self.good("size;colour;price\n" + text, rows: 90, task: "regression of price")
  }

  @Test func numbersInDisguise() throws {
    let commas = Self.rows(60) { i, s, c, b in "\(s),\(i % 10);\(c);\(b)" }
    try Self.good("size;colour;buys\n" + commas, rows: 60, note: "cells such as")
    let prices = Self.rows(60) { i, s, c, _ in "\(c),$\(s).\(i)" }
    try Self.refused(Data(("colour,price\n" + prices).utf8), "with a point and without signs")
  }

  @Test func numbersBeyondAll() throws {
    let text = Self.rows(60) { i, s, c, b in "\(i == 3 ? "inf" : i == 5 ? "1e308" : s),\(c),\(b)" }
    try Self.good("size,colour,buys\n" + text, rows: 60, note: "are cut off")
  }

  @Test func noHeader() throws {
    try Self.good(Self.rows(60) { _, s, c, b in "\(s),\(c),\(b == "yes" ? 1 : 0)" }, rows: 60)
  }

  @Test func latinLetters() throws {
    let text = "size,colour,buys\n" + Self.rows(60) { _, s, _, b in "\(s),vert,\(b)" }
    var bytes = Data(text.utf8)
    bytes.append(contentsOf: [0x31, 0x2C, 0xE9, 0x2C, 0x6E, 0x6F, 0x0A])
    try Self.refused(bytes, "is not UTF-8")
  }

  @Test func windowsLines() throws {
    try Self.good(
      "size,colour,buys\r\n" + Self.rows(60) { _, s, c, b in "\(s),\(c),\(b)\r" }, rows: 60)
  }

  @Test func columnsOfOneName() throws {
    let text = "size,size,buys\n" + Self.rows(60) { _, s, c, b in "\(s),\(c),\(b)" }
    try Self.refused(Data(text.utf8), "'size'")
  }

  /// Pictures as files are: see `tools/fixtures/image_folder.py`.
  @Test func folderOfImages() throws {
    try Command.inTemporaryFolder { folder in
      let result = try Command.run([
        "train", "Tests/CommandTests/Fixtures/sides", "-o", "\(folder)/m.onnx", "--json",
        "--epochs", "20",
      ])
      #expect(result.status == 0, "\(result.error)")
      #expect(result.output.contains("\"accuracy\": 1"), "\(result.output)")
      // In a pipe each epoch is a line, and nothing is drawn over.
      #expect(!result.error.contains("\r") && !result.error.contains("\u{1B}"))
      #expect(result.error.contains("epoch 1/20 "))
    }
  }

  @Test func damagedImagesAreNamed() throws {
    try Command.inTemporaryFolder { folder in
      let from = Command.root.appending(path: "Tests/CommandTests/Fixtures/sides")
      let to = URL(fileURLWithPath: "\(folder)/sides")
      try FileManager.default.copyItem(at: from, to: to)
      for name in ["left/02.png", "right/01.jpg"] {
        let file = to.appending(path: name)
        let whole = try Data(contentsOf: file)
        try whole.prefix(60).write(to: file)
        let result = try Command.run([
          "train", "\(folder)/sides", "-o", "\(folder)/m.onnx", "--quiet", "--epochs", "1",
        ])
        #expect(result.status == 65)
        #expect(result.error.contains(name), "\(result.error)")
        try whole.write(to: file)
      }
    }
  }

  @Test func curvesFiguresAndModes() throws {
    try Command.inTemporaryFolder { folder in
      let base = ["train", "Models/iris.csv", "-o", "\(folder)/m.onnx", "--quiet"]
      let fast = try Command.run(base + ["--fast-run"])
      #expect(fast.status == 0 && fast.output.contains("no model was written"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/m.onnx"))
      let made = try Command.run(
        base + [
          "--epochs", "3", "--curves", "\(folder)/c.html", "--tensorboard", "\(folder)/logs",
        ])
      #expect(made.status == 0, "\(made.error)")
      let page = try String(contentsOfFile: "\(folder)/c.html", encoding: .utf8)
      #expect(page.contains("</svg>") && page.contains("val_loss"))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/logs").sorted()
          == ["train", "validation"])
      let known = try Command.run(base + ["--overfit", "1", "--epochs", "5"])
      #expect(known.status == 0, "\(known.error)")
      #expect(try Command.run(base + ["--fast-run", "--resume"]).status == 64)
      #expect(try Command.run(base + ["--overfit", "0"]).status == 64)
    }
  }

  @Test func rowsOfOtherWidth() throws {
    try Self.refused(Data("a,b,c\n1,2,x\n3,4\n".utf8), "wrong number of columns")
  }

  @Test func wrongSettings() throws {
    try Command.inTemporaryFolder { folder in
      try "epochs: 3\nlayrs:\n  - dense: 4\n".write(
        toFile: "\(folder)/c.yaml", atomically: true, encoding: .utf8)
      let result = try Command.run(
        ["train", "Models/iris.csv", "-o", "\(folder)/m.onnx", "--config", "\(folder)/c.yaml"])
      #expect(result.status == 64)
      #expect(result.error.contains("there is no setting 'layrs'"))
      let missing = try Command.run(["train", "no.csv", "-o", "\(folder)/m.onnx"])
      #expect(missing.status == 66)
      let resumed = try Command.run(
        ["train", "Models/iris.csv", "-o", "\(folder)/m.onnx", "--resume"])
      #expect(resumed.status == 66)
    }
  }
}
