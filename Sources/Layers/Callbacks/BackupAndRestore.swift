import Glibc
import Tensors
import Training

/// Saves all of a training run after each epoch, so that a run that was broken off goes on where it
/// was, with the same numbers: weights, optimiser, random numbers, the epoch, what callbacks
/// remember.
///
/// - `keeps`: whether the file stays when training ends; by default it is deleted then.
/// - Errors: those of `Checkpoint`. - Source: Keras 3 BackupAndRestore, which forgets the order of
///   the data and dropout's draws.
public final class BackupAndRestore: Callback {
  /// The file.
  public let path: String
  /// What stays of what was written.
  public let keeps: Bool

  public init(_ path: String, keeps: Bool = false) {
    self.path = path
    self.keeps = keeps
    super.init()
  }

  public override var comesLast: Bool { true }

  public override func trainingBegins(_ state: FitState) throws {
    guard access(path, R_OK) == 0, let optimizer = state.model.optimizer else { return }
    let notes = try Checkpoint.load(path, into: state.model, optimizer)
    guard let epoch = notes["epoch"].flatMap({ Int($0) }) else {
      throw EngineError(
        .malformed, "the file does not say which epoch was done",
        expected: "a file of BackupAndRestore", subject: .init(file: path))
    }
    if let rate = notes["learningRate"].flatMap({ Double($0) }) {
      state.model.learningRate = rate
    }
    state.epoch = epoch + 1
    try state.recall(CallbackMemory(checkpoint: path, notes: notes))
  }

  public override func epochEnds(_ state: FitState) throws {
    guard let optimizer = state.model.optimizer else { return }
    var notes = ["epoch": "\(state.epoch)"]
    // A rate that was set is no schedule's.
    if optimizer.schedule != nil, state.model.trainer?.schedule == nil {
      notes["learningRate"] = "\(state.model.learningRate)"
    }
    let memory = state.memory
    notes.merge(memory.checkpointNotes) { $1 }
    try Checkpoint.save(
      state.model, optimizer, notes: notes, extras: memory.tensors, to: path)
  }

  public override func trainingEnds(_ state: FitState) {
    if !keeps, state.epoch >= state.epochs { unlink(path) }
  }
}

extension CallbackMemory {
  private static let prefix = "callback."

  /// What a checkpoint keeps of it: its notes, and its tensors as extras.
  ///
  /// Errors: those of `Checkpoint.extras`.
  public init(checkpoint path: String, notes: [String: String]) throws {
    for (key, value) in notes where key.hasPrefix(Self.prefix) {
      self.notes[String(key.dropFirst(Self.prefix.count))] = value
    }
    tensors = try Checkpoint.extras(path).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The notes under names that no others of a checkpoint have.
  public var checkpointNotes: [String: String] {
    var list: [String: String] = [:]
    for (key, value) in notes { list[Self.prefix + key] = value }
    return list
  }
}
