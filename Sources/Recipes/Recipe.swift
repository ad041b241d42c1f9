import DataSets
import Formats
import Glibc
import Graphs
import Layers
import Tensors
import Training

/// Trains a model from data files, as `dlrun train` does.
///
/// ```swift
/// let recipe = Recipe(data: ["iris.csv"], output: "iris.onnx")
/// let result = try recipe.run()
/// print(result.report.figures)
/// ```
///
/// - Errors of `run`: those of reading; `.malformed` for data that tell nothing, with what is wrong
///   and what to do; `.usage` for settings that do not fit; `.cannotCreate`, `.io`.
public struct Recipe {
  public var data: [String]
  public var output: String
  public var config: TrainConfig
  /// Files like the data to test on; otherwise a share of the data is held out.
  public var test: [String] = []
  /// Whether the run that was broken off goes on.
  public var resumes = false
  /// A model to go on training.
  public var base: String?
  /// How much is trained. A fast run writes no model.
  public var mode = FitMode.full
  /// Shows progress on standard error.
  public var showsProgress = false
  /// Gets lines that a person should read before and while training.
  public var log: (String) -> Void = { _ in }

  public init(data: [String], output: String, config: TrainConfig = TrainConfig()) {
    self.data = data
    self.output = output
    self.config = config
  }

  /// What came of a run.
  public struct Result {
    public let goal: Goal
    public let report: TrainReport
    public let epochs: Int
    public let parameterCount: Int
    /// Samples learned from, and to validate on.
    public let samples: (train: Int, validation: Int)
    public let notes: [String]
    public let history: History
    /// The share of the time of training in which it waited for data.
    public let shareWaited: Double
    /// Whether a person broke the run off; the checkpoint to go on from lies at this path.
    public let checkpoint: String?
  }

  /// Where a run that is broken off leaves its state.
  public var checkpointPath: String { output + ".checkpoint" }

  public func run() throws -> Result {
    if resumes, access(checkpointPath, R_OK) != 0 {
      throw EngineError(
        .inputMissing, "there is no run to go on with", expected: "'\(checkpointPath)'",
        hint: "leave --resume out to begin anew", subject: .init(file: output))
    }
    // Hours of training are not to end at a folder that is not there.
    _ = try AtomicFile(output)
    setSeed(config.seed)
    if let base { return try FineTuning(recipe: self, base: base).run() }
    let problem = try ProblemFiles(config: config).problem(data, held: test)
    let network = try network(problem)
    log(problem.goal.description)
    for note in problem.notes { log(note) }
    let trained = try train(
      network, problem, loss: loss(problem.goal), metrics: metrics(problem.goal))
    let example = try problem.train.batch(Array(0..<min(2, problem.train.count))).inputs[0]
    let model = try SavedModel(problem: problem).model(network, example: example)
    let report = try Measurement(problem: problem).report(model)
    if writes { try SavedModel.write(model, to: output) }
    trained.keeper.finish()
    return result(trained, network, problem, report)
  }

  /// Whether a model is to be written.
  var writes: Bool { if case .fastRun = mode { false } else { true } }

  func result(
    _ trained: Trained, _ network: Network, _ problem: Problem, _ report: TrainReport
  ) -> Result {
    Result(
      goal: problem.goal, report: report, epochs: trained.history.epochs.count,
      parameterCount: network.parameters.reduce(0) { $0 + $1.value.count },
      samples: (problem.train.count, problem.validation.count), notes: problem.notes,
      history: trained.history, shareWaited: trained.shareWaited,
      checkpoint: trained.keeper.wasInterrupted ? checkpointPath : nil)
  }

  private func network(_ problem: Problem) throws -> Network {
    let given = try LayerList(path: config.path).layers(config.layers)
    let layers = given.isEmpty ? StandardNetwork.layers(problem) : given
    let head = Dense(problem.goal.width).named("head")
    do {
      return try Sequential(input: problem.encoding.sampleSizes.map { Optional($0) }) {
        layers
        head
      }
    } catch let error as EngineError {
      throw EngineError(
        error.code, error.message, expected: error.expected, received: error.received,
        hint: error.hint,
        subject: .init(
          file: given.isEmpty ? data.first : config.path, node: error.subject.node,
          operatorName: error.subject.operatorName))
    }
  }

  func loss(_ goal: Goal) -> LossFunction {
    if case .number = goal { return .meanSquaredError }
    return .sparseCategoricalCrossEntropy(fromLogits: true)
  }

  func metrics(_ goal: Goal) -> [Metric] {
    if case .number = goal { return [.meanAbsoluteError] }
    return [Accuracy(kind: .sparse)]
  }

  struct Trained {
    let history: History
    let keeper: RunKeeper
    let shareWaited: Double
  }

  /// Trains a network on the problem's samples.
  func train(
    _ network: Network, _ problem: Problem, loss: LossFunction, metrics: [Metric]
  ) throws -> Trained {
    let batchSize = config.batchSize ?? StandardNetwork.batchSize(problem)
    let epochs = config.epochs ?? StandardNetwork.epochs(problem)
    let loader = try DataLoader(
      weighted(augmented(problem.train), problem.goal), batchSize: batchSize, seed: config.seed)
    let validation = try DataLoader(problem.validation, batchSize: 256, shuffle: false)
    let rate = config.learningRate ?? 3e-3
    network.compile(
      optimizer: OptimizerChoice.rule(
        config, rate: rate, decay: StandardNetwork.weightDecay(problem)),
      loss: loss, metrics: metrics,
      schedule: OptimizerChoice.schedule(
        config, rate: rate, steps: epochs * (loader.batchCount ?? 1)),
      eager: config.eager, threads: config.threads)
    let keeper = RunKeeper(
      checkpointPath, loader, resumes: resumes, pause: config.checkpointPause)
    var callbacks: [Callback] = [keeper, TerminateOnNaN()]
    let patience = config.patience ?? max(5, epochs / 5)
    if patience > 0 { callbacks.append(EarlyStopping(patience: patience)) }
    if let path = config.csvLog { callbacks.append(CSVLogger(path, appends: resumes)) }
    if let path = config.jsonLog { callbacks.append(JSONLogger(path, appends: resumes)) }
    if let path = config.curves { callbacks.append(CurvePage(path, title: output)) }
    if let path = config.tensorBoard { callbacks.append(TensorBoard(path, histogramEvery: 1)) }
    if showsProgress { callbacks.append(ProgressBar()) }
    let start = monotonicSeconds()
    let history = try network.fit(
      loader, epochs: epochs, validation: validation, callbacks: callbacks, mode: mode)
    let waited = loader.secondsWaited + validation.secondsWaited
    let shareWaited = waited / max(monotonicSeconds() - start, 1e-9)
    if let loss = history.epochs.last?["loss"], !loss.isFinite {
      throw EngineError(
        .value, "the loss became \(loss), so the model is of no use",
        expected: "a finite number", hint: "set a smaller learning rate",
        subject: .init(file: data.first))
    }
    return Trained(history: history, keeper: keeper, shareWaited: shareWaited)
  }

  private func augmented(_ data: any DataSet) -> any DataSet {
    guard config.shift > 0 || config.flips else { return data }
    let change = Augmentation(shift: config.shift, flips: config.flips, seed: config.seed)
    return data.map { batch in
      // The samples in a batch differ from epoch to epoch, and with them what is drawn.
      var salt: UInt64 = 0xCBF2_9CE4_8422_2325
      for t in batch.targets + batch.inputs.prefix(1) {
        t.withUnsafeBytes {
          for b in $0.prefix(4096) { salt = (salt ^ UInt64(b)) &* 0x100_0000_01B3 }
        }
      }
      var made = batch
      made.inputs[0] = try change(batch.inputs[0], salt: salt)
      return made
    }
  }

  /// With weights that make each class count alike.
  private func weighted(_ data: any DataSet, _ goal: Goal) throws -> any DataSet {
    guard config.balances, case .classes(let names) = goal else { return data }
    let all = try data.batch(Array(0..<data.count)).targets[0].numbers()
    var counts = [Double](repeating: 0, count: names.count)
    for c in all { counts[Int(c)] += 1 }
    let present = Double(counts.count { $0 > 0 })
    let factors = counts.map { $0 > 0 ? Float(Double(all.count) / (present * $0)) : 0 }
    return data.map { batch in
      var made = batch
      made.weights = try Tensor(try batch.targets[0].numbers().map { factors[Int($0)] })
      return made
    }
  }
}
