import DataSets
import Glibc
import Layers
import Tensors
import Training

/// Keeps a run in a checkpoint with its place in the data, and ends it when a person asks.
///
/// It is saved when the run is broken off, and every so many seconds, in the middle of an epoch too.
final class RunKeeper: Callback {
  let path: String
  let resumes: Bool
  private let loader: DataLoader
  /// Seconds between checkpoints.
  private let pause: Double
  private(set) var wasInterrupted = false
  private var saved = 0.0

  init(_ path: String, _ loader: DataLoader, resumes: Bool, pause: Double) {
    self.pause = pause
    self.path = path
    self.loader = loader
    self.resumes = resumes
    super.init()
  }

  override var watchesBatches: Bool { true }
  override var comesLast: Bool { true }

  override func trainingBegins(_ state: FitState) throws {
    saved = monotonicSeconds()
    guard resumes, let optimizer = state.model.optimizer else { return }
    let notes = try Checkpoint.load(path, into: state.model, optimizer)
    guard let place = notes["position"].flatMap({ DataLoader.Position($0) }) else {
      throw EngineError(
        .malformed, "the checkpoint does not say where the data stood",
        expected: "one that 'dlrun train' left", subject: .init(file: path))
    }
    loader.resume(at: place)
    state.epoch = place.epoch
    state.isStopped = notes["isOver"] != nil
    try state.recall(CallbackMemory(checkpoint: path, notes: notes))
  }

  override func batchEnds(_ state: FitState) throws {
    let isAsked = Interruption.isAsked
    guard !wasInterrupted, isAsked || monotonicSeconds(coarse: true) - saved > pause else { return }
    // Behind its last batch an epoch is not over: validation comes, and what callbacks make of it.
    guard loader.position.batch < loader.batchCount ?? .max else { return }
    if isAsked {
      wasInterrupted = true
      state.isStopped = true
    }
    try save(state, loader.position)
  }

  override func epochEnds(_ state: FitState) throws {
    guard !wasInterrupted else { return }
    if Interruption.isAsked, !state.isStopped, state.epoch + 1 < state.epochs {
      wasInterrupted = true
      try save(state, .init(epoch: state.epoch + 1))
      state.isStopped = true
    } else if state.isStopped || monotonicSeconds() - saved > pause {
      try save(state, .init(epoch: state.epoch + 1))
    }
  }

  private func save(_ state: FitState, _ place: DataLoader.Position) throws {
    guard let optimizer = state.model.optimizer else { return }
    let memory = state.memory
    var notes = memory.checkpointNotes.merging(["position": place.text]) { $1 }
    // Another callback ended the training, and only the model is not written yet.
    if state.isStopped, !wasInterrupted { notes["isOver"] = "true" }
    try Checkpoint.save(
      state.model, optimizer, notes: notes, extras: memory.tensors, to: path)
    saved = monotonicSeconds()
  }

  /// Deletes the checkpoint, since the model of a run that came to its end is written.
  func finish() { if !wasInterrupted { unlink(path) } }
}
