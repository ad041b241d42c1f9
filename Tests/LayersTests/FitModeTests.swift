import DLTrain
import Foundation
import Testing

/// Modes of `fit`, the search for a learning rate, and what survives a break.
@Suite struct FitModeTests {
  private func model(_ rate: Double = 0.01) throws -> Sequential {
    let model = try Sequential(input: [4]) {
      Dense(8, activation: .relu)
      BatchNormalization()
      Dropout(0.2)
      Dense(2)
    }
    model.compile(
      optimizer: .keras.adam(learningRate: rate),
      loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy], threads: 1)
    return model
  }

  private func contents(_ model: Network) throws -> [[Double]] {
    try (model.parameters.map(\.value) + model.states.map(\.value)).map { try $0.numbers() }
  }

  @Test func fastRunLeavesNoTrace() throws {
    let (x, y) = try FitTests.clouds(80)
    setSeed(1)
    let (one, two) = (try model(), try model())
    for (a, b) in zip(one.parameters, two.parameters) { b.value = try a.value * 1 }
    setSeed(2)
    try one.fit(x, y)
    setSeed(2)
    try two.fit(x, y)
    let (before, random) = (try contents(two), randomState)
    var calls = 0
    let history = try two.fit(
      x, y, epochs: 5, validation: .split(0.2),
      callbacks: [ClosureCallback(epochEnds: { _ in calls += 1 })], mode: .fastRun)
    #expect(history.epochs.count == 1)
    #expect(history.epochs[0]["val_loss"] != nil)
    #expect(calls == 0)
    #expect(try contents(two) == before)
    #expect(randomState == random)
    // The optimiser goes on as if nothing had been.
    setSeed(3)
    try one.fit(x, y)
    setSeed(3)
    try two.fit(x, y)
    #expect(try contents(one) == contents(two))
  }

  @Test func overfitRepeatsBatches() throws {
    let (x, y) = try FitTests.clouds(80)
    setSeed(5)
    let model = try self.model(0.05)
    var counts: [Int] = []
    let history = try model.fit(
      x, y, epochs: 60, batchSize: 4, validation: .split(0.5),
      callbacks: [ClosureCallback(epochEnds: { counts.append($0.batch) })],
      mode: .overfit(batches: 2))
    #expect(Set(counts) == [2])
    let losses = history["loss"]
    #expect(try #require(losses.last) < #require(losses.first) / 2)
    #expect(throws: EngineError.self) { try model.fit(x, y, mode: .overfit(batches: 0)) }
  }

  @Test func learningRatesAreSearched() throws {
    let (x, y) = try FitTests.clouds(256)
    let model = try self.model()
    let before = try contents(model)
    let search = try model.findLearningRate(x, y, from: 1e-5, to: 100, steps: 60)
    #expect(try contents(model) == before)
    #expect(search.rates.count == search.losses.count)
    #expect(search.rates.count > 20)
    #expect(abs(search.rates[0] - 1e-5) < 1e-12)
    #expect(search.rates[1] > search.rates[0])
    let best = try #require(search.suggestion)
    #expect(best > 1e-4 && best < 10)
    #expect(throws: EngineError.self) { try model.findLearningRate(x, y, from: 1, to: 0.1) }
  }

  /// A run that was broken off and one that was not stop at the same epoch with the same weights.
  @Test func callbacksRememberOverABreak() throws {
    struct Broken: Error {}
    let (x, y) = try FitTests.clouds(80)
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "dlrun-memory-\(UInt64.random(in: 0..<UInt64.max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let figures = [3.0, 1.0, 2.0, 2.5, 2.2, 2.1, 0.5]
    func run(_ path: String?, breaksAt: Int? = nil) throws -> (Network, EarlyStopping, Int) {
      let model = try self.model(0.1)
      let stopping = EarlyStopping("figure", patience: 4)
      let plateau = ReduceOnPlateau("figure", factor: 0.5, patience: 2)
      var callbacks: [Callback] = path.map { [BackupAndRestore($0)] } ?? []
      callbacks += [
        ClosureCallback(epochEnds: { $0.logs["figure"] = figures[$0.epoch] }), stopping, plateau,
        CurvePage("\(folder.path)/curve.svg"), MovingAverage(decay: 0.9),
        ClosureCallback(epochBegins: { if $0.epoch == breaksAt { throw Broken() } }),
      ]
      let history = try model.fit(x, y, epochs: 7, callbacks: callbacks)
      return (model, stopping, history.firstEpoch + history.epochs.count)
    }
    setSeed(4)
    let whole = try run(nil)
    setSeed(4)
    let path = "\(folder.path)/backup.safetensors"
    #expect(throws: Broken.self) { try run(path, breaksAt: 3) }
    setSeed(77)
    let resumed = try run(path)
    #expect(whole.2 == 6 && resumed.2 == 6)
    #expect(whole.1.bestEpoch == 1 && resumed.1.bestEpoch == 1)
    #expect(try contents(whole.0) == contents(resumed.0))
    #expect(whole.0.learningRate == resumed.0.learningRate)
    // The curve has the epochs before the break as well.
    let svg = try String(contentsOfFile: "\(folder.path)/curve.svg", encoding: .utf8)
    #expect(svg.hasPrefix("<svg"))
    #expect(svg.contains("figure"))
    let lines = svg.split(separator: "\n").filter { $0.contains("class=\"c\"") }
    // Losses, accuracies and figures of six epochs, and of the rate those after the first.
    #expect(lines.map { line in line.count { $0 == "L" } }.max() == 5)
  }
}
