import Tensors
import Training

/// How much of `fit` is done: all of it, or what finds mistakes.
public enum FitMode: Sendable {
  /// Everything.
  case full
  /// One batch of training and one of validation, to see whether they run: no callback is called,
  /// and afterwards weights, states, optimiser and random numbers are what they were.
  case fastRun
  /// The first batches over and over, in one order, and as many of validation: a model that cannot
  /// learn even these by heart has a mistake.
  case overfit(batches: Int)
}

/// The first batches of a source, read once and given in every epoch.
final class RepeatedBatches: BatchSource {
  private let source: any BatchSource
  private let limit: Int
  private var batches: [Batch]?
  private var position = 0

  /// Errors: `.value` for no batches.
  init(_ source: any BatchSource, _ limit: Int) throws(EngineError) {
    guard limit > 0 else {
      throw EngineError(
        .value, "no batches to train on", expected: "1 or more", received: "\(limit)")
    }
    self.source = source
    self.limit = limit
  }

  var batchCount: Int? { batches?.count ?? source.batchCount.map { min($0, limit) } }

  func begin() throws {
    position = 0
    guard batches == nil else { return }
    try source.begin()
    var read: [Batch] = []
    while read.count < limit, let batch = try source.next() { read.append(batch) }
    batches = read
  }

  func next() -> Batch? {
    guard let batches, position < batches.count else { return nil }
    defer { position += 1 }
    return batches[position]
  }
}

extension Network {
  /// Runs `body` with an optimiser and steps of its own; afterwards weights, states, optimiser and
  /// random numbers are what they were.
  func withoutTraces<R>(
    schedule: Schedule? = nil, _ body: (Trainer) throws -> R
  ) throws -> R {
    let own = try compiled()
    let (snapshot, random) = (Snapshot(self), randomState)
    let copy = Trainer(
      own.rule, own.losses, own.lossWeights, own.metrics, schedule: schedule ?? own.schedule,
      groups: own.groups, isEager: own.isEager, threads: own.threads)
    trainer = copy
    defer {
      trainer = own
      snapshot.restore()
      randomState = random
    }
    return try body(copy)
  }
}
