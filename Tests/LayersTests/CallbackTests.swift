import DLTrain
import Foundation
import Testing

@Suite struct CallbackTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "dlrun-callbacks-\(UInt64.random(in: 0..<UInt64.max))")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func file(_ name: String) -> String { folder.appending(path: name).path }

  private func model(_ rate: Double = 0.01, eager: Bool = false) throws -> Sequential {
    let model = try FitTests.classifier()
    model.compile(
      optimizer: .keras.adam(learningRate: rate),
      loss: .sparseCategoricalCrossEntropy(fromLogits: true), metrics: [.accuracy], eager: eager,
      threads: 1)
    return model
  }

  /// The best weights come back when training was ended early, when epochs ran out, and when it
  /// failed.
  @Test(arguments: [0, 1, 2]) func earlyStoppingRestores(_ way: Int) throws {
    struct Broken: Error {}
    let (x, y) = try FitTests.clouds(80)
    let model = try self.model(0.3)
    var kept: [[Double]] = []
    let stopping = EarlyStopping("figure", patience: way == 0 ? 2 : 100)
    let figures = [3.0, 1.0, 2.0, 2.5, 2.2, 2.1]
    let planned = ClosureCallback(epochEnds: { state in
      if way == 2, state.epoch == 4 { throw Broken() }
      state.logs["figure"] = figures[state.epoch]
      kept.append(try state.model.parameters.flatMap { try $0.value.numbers() })
    })
    do {
      let history = try model.fit(x, y, epochs: 6, callbacks: [planned, stopping])
      #expect(history.stoppedEarly == (way == 0))
      #expect(history.epochs.count == (way == 0 ? 4 : 6))
    } catch is Broken { #expect(way == 2) }
    #expect(stopping.bestEpoch == 1)
    #expect(try model.parameters.flatMap { try $0.value.numbers() } == kept[1])
  }

  @Test func checkpointsKeepTheBest() throws {
    let (x, y) = try FitTests.clouds(40)
    let figures = [3.0, 1.0, 2.0, 0.5, 4.0]
    let checkpoint = ModelCheckpoint(file("w-{epoch}.safetensors"), monitor: "figure", keeps: 2)
    let planned = ClosureCallback(epochEnds: { $0.logs["figure"] = figures[$0.epoch] })
    try model().fit(x, y, epochs: 5, callbacks: [planned, checkpoint])
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names == ["w-2.safetensors", "w-4.safetensors"])
    #expect(checkpoint.files.map(\.value) == [0.5, 1])
    try model().load(file("w-4.safetensors"))
  }

  @Test func plateausAndSchedules() throws {
    let (x, y) = try FitTests.clouds(40)
    let model = try self.model(0.1)
    let planned = ClosureCallback(epochEnds: { $0.logs["figure"] = 1 })
    let reduce = ReduceOnPlateau("figure", factor: 0.5, patience: 2)
    let history = try model.fit(x, y, epochs: 6, callbacks: [planned, reduce])
    #expect(history["learning_rate"].isEmpty || history["learning_rate"][0] == 0.1)
    #expect(abs(model.learningRate - 0.025) < 1e-12)
    try model.fit(
      x, y, epochs: 2, callbacks: [LearningRateScheduler { epoch, _ in epoch == 0 ? 0.5 : 0.25 }])
    #expect(model.learningRate == 0.25)
  }

  @Test func loggersWriteLines() throws {
    let (x, y) = try FitTests.clouds(40)
    try model().fit(
      x, y, epochs: 2, validation: .split(0.5),
      callbacks: [CSVLogger(file("log.csv")), JSONLogger(file("log.json")), ProgressBar()])
    let csv = try String(contentsOfFile: file("log.csv"), encoding: .utf8).split(separator: "\n")
    #expect(csv.count == 3 && csv[0] == "epoch,loss,accuracy,val_loss,val_accuracy")
    let json = try String(contentsOfFile: file("log.json"), encoding: .utf8).split(separator: "\n")
    let last = try JSONSerialization.jsonObject(with: Data(json[1].utf8)) as? [String: Double]
    #expect(last?["epoch"] == 1 && last?["val_loss"] != nil)
    #expect(throws: EngineError.self) {
      try model().fit(x, y, callbacks: [CSVLogger("/nowhere/log.csv")])
    }
  }

  /// A run that was broken off and one that was not have the same weights to the last bit.
  @Test func backupGoesOnExactly() throws {
    struct Broken: Error {}
    let (x, y) = try FitTests.clouds(80)
    setSeed(4)
    let whole = try model()
    try whole.fit(x, y, epochs: 5)
    setSeed(4)
    let path = file("backup.safetensors")
    #expect(throws: Broken.self) {
      try model().fit(
        x, y, epochs: 5,
        callbacks: [
          BackupAndRestore(path),
          ClosureCallback(epochEnds: { if $0.epoch == 2 { throw Broken() } }),
        ])
    }
    setSeed(77)
    let resumed = try model()
    let history = try resumed.fit(x, y, epochs: 5, callbacks: [BackupAndRestore(path)])
    // The epoch that was broken off was not saved: that is done after all other callbacks.
    #expect(history.firstEpoch == 2)
    #expect(history.epochs.count == 3)
    for (a, b) in zip(whole.parameters, resumed.parameters) {
      #expect(try a.value.numbers() == b.value.numbers())
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func movingAverageEndsInTheModel() throws {
    let (x, y) = try FitTests.clouds(80)
    let model = try self.model(0.1)
    var last: [Double] = []
    try model.fit(
      x, y, epochs: 2, validation: .split(0.2),
      callbacks: [
        MovingAverage(decay: 0.9),
        ClosureCallback(epochEnds: { last = try $0.model.parameters[0].value.numbers() }),
      ])
    #expect(try model.parameters[0].value.numbers() != last)
  }

  @Test func nanEndsTraining() throws {
    let (x, y) = try FitTests.clouds(40)
    let bad = try x / 0
    let error = #expect(throws: EngineError.self) {
      try model().fit(bad - bad, y, callbacks: [TerminateOnNaN()])
    }
    #expect(error?.code == .value)
  }
}
