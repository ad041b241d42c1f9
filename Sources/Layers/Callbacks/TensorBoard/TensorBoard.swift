import Tensors
import Training

/// Writes figures for TensorBoard: `tensorboard --logdir FOLDER` shows them while training runs.
///
/// - Files: events in `FOLDER/train` and, of figures whose names begin with `val_`, in
///   `FOLDER/validation`, under one name in both: `epoch_loss` by epochs, `epoch_learning_rate`,
///   and with `everyBatches` also `batch_loss` by steps.
/// - `histogramEvery`: epochs between histograms of all parameters, each under its path; 0, the
///   default, for none. - `everyBatches`: batches between figures of batches; 0 for none.
/// - A figure that is not finite is written as it is.
/// - Errors: `.cannotCreate`, `.io`. - Source: Keras 3 TensorBoard, for names and folders.
public final class TensorBoard: Callback {
  /// The folder.
  public let folder: String
  /// Epochs between histograms.
  public let histogramEvery: Int
  /// Batches between figures of batches.
  public let everyBatches: Int
  private var training: EventFile?
  private var validation: EventFile?
  private var steps = 0

  public init(_ folder: String, histogramEvery: Int = 0, everyBatches: Int = 0) {
    self.folder = folder
    self.histogramEvery = histogramEvery
    self.everyBatches = everyBatches
    super.init()
  }

  public override var watchesBatches: Bool { everyBatches > 0 }
  public override var memory: CallbackMemory { CallbackMemory(notes: ["steps": "\(steps)"]) }
  public override func recall(_ memory: CallbackMemory, _ state: FitState) {
    steps = memory.integer("steps") ?? 0
  }

  public override func trainingBegins(_ state: FitState) throws {
    steps = 0
    training = try EventFile(folder: "\(folder)/train")
  }

  public override func batchEnds(_ state: FitState) throws {
    steps += 1
    guard everyBatches > 0, steps % everyBatches == 0 else { return }
    try write(training, steps, state.logs.map { ("batch_\($0.name)", .number($0.value)) })
  }

  public override func epochEnds(_ state: FitState) throws {
    var (own, held): ([(tag: String, content: EventMessage.Content)], [(String, Double)]) = (
      [], []
    )
    for (name, value) in state.logs where name != "learning_rate" {
      if name.hasPrefix("val_") {
        held.append(("epoch_\(name.dropFirst(4))", value))
      } else {
        own.append(("epoch_\(name)", .number(value)))
      }
    }
    own.append(("epoch_learning_rate", .number(state.model.learningRate)))
    if histogramEvery > 0, state.epoch % histogramEvery == 0 {
      for p in state.model.parameters {
        own.append((p.name, .histogram(Histogram(try p.value.numbers()))))
      }
    }
    try write(training, state.epoch, own)
    if !held.isEmpty {
      if validation == nil { validation = try EventFile(folder: "\(folder)/validation") }
      try write(validation, state.epoch, held.map { ($0.0, .number($0.1)) })
    }
  }

  public override func trainingEnds(_ state: FitState) {
    training = nil
    validation = nil
  }

  private func write(
    _ file: EventFile?, _ step: Int, _ values: [(tag: String, content: EventMessage.Content)]
  ) throws {
    try file?.write(EventMessage.summary(time: EventFile.now(), step: step, values))
  }
}
