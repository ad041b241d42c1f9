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
  @Test(arguments: [120, 79, 60, 39, 15]) func progressFits(_ width: Int) throws {
    let state = FitState(
      model: try FitTests.classifier(), epochs: 20, epoch: 8, batchCount: 1200)
    state.logs["loss"] = 0.1234567
    state.logs["accuracy"] = 0.98766
    var starts: Set<Int> = []
    for done in [1, 99, 600, 1200] {
      let line = ProgressBar.line(state, done: done, seconds: 3.14, width: width)
      #expect(line.count <= width)
      if let place = line.firstIndex(of: "l") {
        starts.insert(line.distance(from: line.startIndex, to: place))
      }
      if width >= 30 { #expect(line.contains("\(done)/1200 3.1s")) }
      if width >= 39 { #expect(line.contains("loss: 0.1235")) }
      if width >= 79 { #expect(line.hasSuffix("accuracy: 0.9877")) }
    }
    #expect(starts.count <= 1)
    let last = ProgressBar.line(state, done: 1200, seconds: 61.26, width: width, ends: true)
    #expect(last.hasPrefix("epoch 9/20 61.3") || width < 20)
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
