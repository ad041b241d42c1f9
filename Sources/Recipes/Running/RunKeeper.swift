import DataSets
import Glibc
import Layers
import Tensors
import Training

/// Keeps a run in a checkpoint with its place in the data, and ends it when a person asks.
///
/// It is saved when the run is broken off, and after epochs, at most every ten seconds.
final class RunKeeper: Callback {
  let path: String
  let resumes: Bool
  private let loader: DataLoader
  private(set) var wasInterrupted = false
  private var saved = 0.0

  init(_ path: String, _ loader: DataLoader, resumes: Bool) {
    self.path = path
    self.loader = loader
    self.resumes = resumes
    super.init()
  }

  override var watchesBatches: Bool { true }
  override var comesLast: Bool { true }

  private static func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  override func trainingBegins(_ state: FitState) throws {
    saved = Self.now()
    guard resumes, let optimizer = state.model.optimizer else { return }
    let notes = try Checkpoint.load(path, into: state.model, optimizer)
    guard var place = notes["position"].flatMap({ DataLoader.Position($0) }) else {
      throw EngineError(
        .malformed, "the checkpoint does not say where the data stood",
        expected: "one that 'dlrun train' left", subject: .init(file: path))
    }
    if place.batch >= loader.batchCount ?? .max { place = .init(epoch: place.epoch + 1) }
    loader.resume(at: place)
    state.epoch = place.epoch
    try state.recall(CallbackMemory(checkpoint: path, notes: notes))
  }

  override func batchEnds(_ state: FitState) throws {
    guard Interruption.isAsked, !wasInterrupted else { return }
    wasInterrupted = true
    state.isStopped = true
    try save(state, loader.position)
  }

  override func epochEnds(_ state: FitState) throws {
    guard !wasInterrupted, Self.now() - saved > 10 else { return }
    saved = Self.now()
    try save(state, .init(epoch: state.epoch + 1))
  }

  private func save(_ state: FitState, _ place: DataLoader.Position) throws {
    guard let optimizer = state.model.optimizer else { return }
    let memory = state.memory
    let notes = memory.checkpointNotes.merging(["position": place.text]) { $1 }
    try Checkpoint.save(
      state.model, optimizer, notes: notes, extras: memory.tensors, to: path)
  }

  override func trainingEnds(_ state: FitState) {
    if !wasInterrupted, state.epoch >= state.epochs || state.isStopped { unlink(path) }
  }
}
