/// Where training stands: what callbacks see and change.
public final class FitState {
  /// The model that is trained.
  public let model: Network
  /// Epochs asked for.
  public let epochs: Int
  /// The epoch that runs, from 0. A callback that restores a run sets it when training begins.
  public var epoch: Int
  /// The batch of the epoch that was trained on last, from 0.
  public internal(set) var batch = 0
  /// The loss of that batch.
  public internal(set) var batchLoss = 0.0
  /// Batches of an epoch; nil where that is not known.
  public let batchCount: Int?
  /// Loss and metrics so far; after validation, its figures under names with `val_`.
  ///
  /// While an epoch runs they are worked out when they are asked for.
  public var logs: Logs {
    get {
      if let running, isBehind {
        isBehind = false
        for (name, value) in running.figures { known[name] = value }
      }
      return known
    }
    set {
      isBehind = false
      known = newValue
    }
  }
  private var known = Logs()
  /// What the epoch measured so far.
  var running: RunningFigures?
  /// Whether a step was made since the figures were worked out.
  var isBehind = false
  /// Whether training ends after this batch, or epoch.
  public var isStopped = false
  /// All callbacks of the run, in the order they are called in.
  public let callbacks: [Callback]

  init(
    model: Network, epochs: Int, epoch: Int, batchCount: Int?, callbacks: [Callback] = []
  ) {
    self.callbacks = callbacks
    self.model = model
    self.epochs = epochs
    self.epoch = epoch
    self.batchCount = batchCount
  }
}

extension FitState {
  /// What all callbacks remember, each under its type and number: for those that save a run.
  public var memory: CallbackMemory {
    var all = CallbackMemory()
    for (label, c) in labelled {
      let m = c.memory
      for (key, value) in m.notes { all.notes["\(label).\(key)"] = value }
      all.tensors += m.tensors.map { ("\(label).\($0.name)", $0.value) }
    }
    return all
  }

  /// Gives callbacks back what they remembered.
  ///
  /// Errors: those of the callbacks: `.malformed` for what does not fit.
  public func recall(_ memory: CallbackMemory) throws {
    for (label, c) in labelled {
      var mine = CallbackMemory()
      let prefix = label + "."
      for (key, value) in memory.notes where key.hasPrefix(prefix) {
        mine.notes[String(key.dropFirst(prefix.count))] = value
      }
      for (name, value) in memory.tensors where name.hasPrefix(prefix) {
        mine.tensors.append((String(name.dropFirst(prefix.count)), value))
      }
      if !mine.isEmpty { try c.recall(mine, self) }
    }
  }

  /// `EarlyStopping.0` and so on.
  private var labelled: [(String, Callback)] {
    var counts: [String: Int] = [:]
    return callbacks.map { c in
      let name = "\(type(of: c))"
      let n = counts[name, default: 0]
      counts[name] = n + 1
      return ("\(name).\(n)", c)
    }
  }
}
