import DLTrain
import Foundation
import Testing

@testable import Layers

/// What training writes for people: TensorBoard's files, learning curves, drawings.
@Suite struct TrainingFilesTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "dlrun-files-\(UInt64.random(in: 0..<UInt64.max))")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// RFC 3720, B.4, and the check value of the polynomial.
  @Test func checksums() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.masked([]) == 0xA282_EAD8)
  }

  @Test func histogramsCountAll() {
    let h = Histogram([0, 1, 1, 2, .nan, .infinity])
    #expect(h.count == 4)
    #expect(h.buckets.reduce(0, +) == 4)
    #expect(h.limits.count == 30)
    #expect(h.limits.last == 2)
    #expect(h.buckets.last == 1)
    #expect(Histogram([3, 3]).buckets == [2])
    #expect(Histogram([]).count == 0)
  }

  /// The frames of the files hold what was written; `tools/oracle/training/check_tensorboard.py` has
  /// TensorBoard read such files.
  @Test func tensorBoardFiles() throws {
    let (x, y) = try FitTests.clouds(40)
    let model = try FitTests.classifier()
    model.compile(
      optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true),
      metrics: [.accuracy], threads: 1)
    try model.fit(
      x, y, epochs: 2, batchSize: 8, validation: .split(0.5),
      callbacks: [
        TensorBoard("\(folder.path)/a/logs", histogramEvery: 1, everyBatches: 1)
      ])
    for (name, events) in [("train", 1 + 2 * 3 + 2), ("validation", 1 + 2)] {
      let files = try FileManager.default.contentsOfDirectory(
        atPath: "\(folder.path)/a/logs/\(name)")
      #expect(files.count == 1 && files[0].hasPrefix("events.out.tfevents."))
      let data = try Foundation.Data(
        contentsOf: folder.appending(path: "a/logs/\(name)/\(files[0])"))
      let bytes = [UInt8](data)
      var (at, count) = (0, 0)
      while at < bytes.count {
        func word(_ i: Int) -> UInt32 {
          var w: UInt32 = 0
          for k in 0..<4 { w |= UInt32(bytes[i + k]) << UInt32(8 * k) }
          return w
        }
        let length = Int(word(at))
        let head = CRC32C.masked(bytes[at..<at + 8])
        #expect(word(at + 8) == head)
        let body = CRC32C.masked(bytes[at + 12..<at + 12 + length])
        #expect(word(at + 12 + length) == body)
        at += 16 + length
        count += 1
      }
      #expect(count == events)
    }
    #expect(throws: EngineError.self) {
      try model.fit(x, y, callbacks: [TensorBoard("/dev/null/logs")])
    }
  }

  @Test func curvesAreWholePages() throws {
    var history = History()
    for i in 0..<4 {
      var logs = Logs()
      logs["loss"] = 1 / Double(i + 1)
      logs["val_loss"] = i == 2 ? .nan : 1 / Double(i + 2)
      logs["a < b & \"c\""] = 3
      history.epochs.append(logs)
    }
    let curves = LearningCurves(history, title: "<run>")
    for text in [curves.svg, curves.html] {
      #expect(text.contains("&lt;run&gt;") && text.contains("a &lt; b &amp; &quot;c&quot;"))
      #expect(!text.contains("src=") && !text.contains("href="))
    }
    // It is well-formed.
    #expect(XMLCheck.isWellFormed(curves.svg))
    #expect(LearningCurves(History()).svg.hasSuffix("</svg>\n"))
    var one = History()
    one.epochs = [history.epochs[0]]
    #expect(XMLCheck.isWellFormed(LearningCurves(one).svg))
    let (x, y) = try FitTests.clouds(40)
    let model = try FitTests.classifier()
    model.compile(optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true))
    let page = "\(folder.path)/run.html"
    try model.fit(x, y, epochs: 3, validation: .split(0.2), callbacks: [CurvePage(page)])
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("validation"))
    #expect(throws: EngineError.self) {
      try model.fit(x, y, callbacks: [CurvePage("/nowhere/run.html")])
    }
  }

  /// A line fits its terminal, nothing of it moves while it is drawn over, and figures are whole.
  @Test(arguments: [120, 79, 59, 39, 15]) func progressFits(_ width: Int) throws {
    var logs = Logs()
    logs["loss"] = 0.1234567
    logs["accuracy"] = 0.98766
    var starts: Set<Int> = []
    for (done, seconds) in [(1, 0.0), (99, 3.14), (600, 61.2), (1200, 599.9)] {
      let line = ProgressLine(epoch: 8, epochs: 20, logs: logs, width: width)
        .running(done: done, of: 1200, seconds: seconds)
      #expect(line.count <= width)
      if width >= 39 { #expect(line.contains("\(done)/1200 ") && line.contains("loss: 0.123")) }
      if width >= 59 { #expect(line.contains("acc")) }
      // What stands before the time stays where it is.
      if let place = line.firstIndex(of: "/") {
        starts.insert(line.distance(from: line.startIndex, to: place))
      }
      starts.insert(line.contains("[") ? -1 : -2)
    }
    #expect(starts.count <= 2)
  }

  @Test func progressChoosesWhatToShow() throws {
    var logs = Logs()
    for (name, value) in [
      ("loss", 0.1234567), ("accuracy", 0.98766), ("auc", 1), ("val_loss", 12.34567),
      ("val_accuracy", 0.5), ("val_auc", 3.3e-5),
    ] { logs[name] = value }
    func ended(_ width: Int) -> String {
      ProgressLine(epoch: 8, epochs: 20, logs: logs, width: width).ended(seconds: 61.26)
    }
    #expect(
      ended(.max) == "epoch 9/20 61.3s loss: 0.1235, accuracy: 0.9877, auc: 1.0000, "
        + "val_loss: 12.346, val_accuracy: 0.5000, val_auc: 3.3e-5")
    #expect(
      ended(99) == "epoch 9/20 61.3s loss: 0.123, acc: 0.988, val_loss: 12.35, "
        + "val_acc: 0.500, val_auc: 3e-5")
    #expect(
      ended(79) == "epoch 9/20 61.3s loss: 0.123, val_loss: 12.35, val_acc: 0.500, val_auc: 3e-5")
    #expect(ended(59) == "epoch 9/20 61.3s loss: 0.123, val_loss: 12.35")
    #expect(ended(39) == "epoch 9/20 61.3s loss: 0.123")
    for (x, text) in [
      (0, "0.0000"), (-0.00001, "-1.0e-5"), (9.99996, "10.000"), (123.456, "123.46"),
      (99_998, "99998"), (1.5e12, "2e12"), (.nan, "nan"), (-.infinity, "-inf"), (9.96e-5, "1.0e-4"),
    ] as [(Double, String)] { #expect(ProgressLine.figure(x, 4) == text) }
  }

  @Test func modelsAreDrawn() throws {
    let sequential = try Sequential(input: [1, 8, 8]) {
      Conv2D(4, 3, activation: .relu)
      Sequential {
        Flatten()
        Dense(3)
      }.named("top")
    }
    let a = Input(shape: [4], name: "left")
    let h = try Dense(6).named("hidden")(a)
    let graph = try Model(inputs: [a], outputs: [Dense(2)(h + h), h])
    final class Own: Network {
      let first = Dense(3)
      override func forward(_ x: Tensor) throws -> Tensor { try first(x) }
    }
    let own = Own()
    try own.build(samples: [4])
    for (model, words) in [
      (sequential, ["Conv2D", "layers.top.layers.1", "[batch, 4, 6, 6]", "kernel = [4, 1, 3, 3]"]),
      (graph, ["left", "layers.hidden", "Add", "[batch, 6]"]), (own, ["Dense", "first"]),
      (Sequential { Dense(2) }, ["Dense"]),
    ] as [(Network, [String])] {
      let svg = model.svg()
      #expect(XMLCheck.isWellFormed(svg))
      for word in words { #expect(svg.contains(word), "\(word)") }
      #expect(model.svg() == svg)
    }
  }
}

/// Whether tags of a text close each other.
private enum XMLCheck {
  static func isWellFormed(_ text: String) -> Bool {
    var open: [Substring] = []
    var rest = text[...]
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { return false }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst() else { return false }
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { !$0.isWhitespace })
      }
    }
    return open.isEmpty
  }
}
