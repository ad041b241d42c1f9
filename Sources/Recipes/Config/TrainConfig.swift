import Formats
import Tensors

/// Everything that a training run is made of. What is nil is chosen from the data.
public struct TrainConfig: Sendable {
  /// `classes`, `number` or nil for what the data tell.
  public var task: String?
  /// The column or array to tell.
  public var target: String?
  /// Columns that are left out.
  public var ignore: [String] = []
  public var epochs: Int?
  public var batchSize: Int?
  public var seed: UInt64 = 0
  /// Shares of the samples.
  public var validationShare = 0.15
  public var testShare = 0.2
  /// Epochs without improvement after which training ends; 0 for never.
  public var patience: Int?
  /// Height and width of images.
  public var imageSize: (height: Int, width: Int)?
  /// Characters of a window of text.
  public var window = 64
  /// Pixels by which images are moved at random, in each direction.
  public var shift = 0
  /// Whether images are mirrored at random.
  public var flips = false
  /// The most frequent categories of a column that get a feature of their own.
  public var mostCategories = 32
  /// How often a category must occur for that.
  public var leastCount = 2
  /// Whether rare classes count more.
  public var balances = false
  /// `adam`, `adamw`, `nadam`, `sgd`, `lion`.
  public var optimizer = "adamw"
  public var learningRate: Double?
  public var weightDecay: Double?
  public var momentum: Double?
  /// `constant` or `cosine`, with steps of rising rates before.
  public var schedule = "cosine"
  public var warmup = 0
  /// The layers before the last one, as JSON or YAML has them; empty for a choice by the data.
  public var layers: [JSONValue] = []
  public var csvLog: String?
  public var jsonLog: String?
  /// Where a page of learning curves is written, or a drawing with `.svg`.
  public var curves: String?
  /// The folder of figures for TensorBoard.
  public var tensorBoard: String?
  /// Seconds between checkpoints, from which a run that was killed goes on; 0 for one each step.
  public var checkpointPause = 10.0
  public var threads: Int?
  public var eager = false
  /// Parameters of the model of `--from` that stay as they are.
  public var freeze: [String] = []
  /// Where the settings come from, for messages.
  public var path = "settings"

  public init() {}

  /// Reads a `.yaml`, `.yml` or `.json` file.
  ///
  /// - Errors: `.inputMissing`; `.malformed` with the place; `.usage` for a setting that is not
  /// there.
  public init(contentsOf path: String) throws(EngineError) {
    self.path = path
    var r = try ConfigReader(ConfigFile.read(path), path: path)
    task = try r.text("task")
    if let task, !["classes", "number"].contains(task) {
      throw r.wrong("task", "classes or number", .string(task))
    }
    target = try r.text("target")
    ignore = try r.texts("ignore") ?? []
    epochs = try r.integer("epochs", 1...1_000_000)
    batchSize = try r.integer("batch", 1...1 << 20)
    if let s = try r.integer("seed") { seed = UInt64(s) }
    validationShare = try Self.share(&r, "validation") ?? validationShare
    testShare = try Self.share(&r, "test") ?? testShare
    patience = try r.integer("patience")
    if let size = try r.integers("image_size") {
      guard (1...2).contains(size.count), size.allSatisfy({ (1...4096).contains($0) }) else {
        throw r.wrong(
          "image_size", "height and width, 1 to 4096", .array(size.map { .int(Int64($0)) }))
      }
      imageSize = (size[0], size[size.count - 1])
    }
    window = try r.integer("window", 2...4096) ?? window
    mostCategories = try r.integer("most_categories", 1...4096) ?? mostCategories
    leastCount = try r.integer("least_count", 1...1 << 30) ?? leastCount
    balances = try r.flag("balance") ?? balances
    threads = try r.integer("threads", 1...1024)
    eager = try r.flag("eager") ?? false
    freeze = try r.texts("freeze") ?? []
    if let pause = try r.number("checkpoint") {
      guard pause >= 0 else { throw r.wrong("checkpoint", "seconds, from 0", .double(pause)) }
      checkpointPause = pause
    }
    csvLog = try r.text("csv_log")
    jsonLog = try r.text("json_log")
    curves = try r.text("curves")
    tensorBoard = try r.text("tensorboard")
    if var a = try r.child("augment") {
      shift = try a.integer("shift", 0...64) ?? 0
      flips = try a.flag("flip") ?? false
      try a.finish()
    }
    try readOptimizer(&r)
    if let list = r.value("layers") {
      guard let layers = list.asArray else { throw r.wrong("layers", "a list", list) }
      self.layers = layers
    }
    try r.finish()
  }

  private mutating func readOptimizer(_ r: inout ConfigReader) throws(EngineError) {
    if var o = try r.child("optimizer") {
      optimizer = try o.text("name") ?? optimizer
      learningRate = try o.number("learning_rate")
      weightDecay = try o.number("weight_decay")
      momentum = try o.number("momentum")
      guard OptimizerChoice.names.contains(optimizer) else {
        throw o.wrong("name", OptimizerChoice.names.joined(separator: ", "), .string(optimizer))
      }
      try o.finish()
    }
    if let rate = try r.number("learning_rate") { learningRate = rate }
    if var s = try r.child("schedule") {
      schedule = try s.text("name") ?? schedule
      warmup = try s.integer("warmup") ?? 0
      guard ["constant", "cosine"].contains(schedule) else {
        throw s.wrong("name", "constant or cosine", .string(schedule))
      }
      try s.finish()
    }
  }

  private static func share(
    _ r: inout ConfigReader, _ key: String
  ) throws(EngineError) -> Double? {
    guard let share = try r.number(key) else { return nil }
    guard share > 0, share < 1 else {
      throw r.wrong(key, "a share between 0 and 1", .double(share))
    }
    return share
  }
}
