import Glibc
import Tensors
import Training

/// Saves the model's weights after epochs.
///
/// - `path`: `{epoch}` stands for the epoch's number from 1, `{NAME}` for a figure, as in
///   `best-{epoch}-{val_loss}.safetensors`. - `keeps`: how many of the best files stay; others are
///   deleted. - `bestOnly`: whether only epochs better than all before are saved.
/// - Errors: those of `Module.save`; `.usage` for a figure that is not measured.
/// - Source: Keras 3 ModelCheckpoint; keeping several is Lightning's `save_top_k`.
public final class ModelCheckpoint: Callback {
  /// The file.
  public let path: String
  /// Whether only epochs better than all before are saved.
  public let bestOnly: Bool
  /// What stays of what was written.
  public let keeps: Int?
  /// Files that were written and are there, the best first.
  public private(set) var files: [(path: String, value: Double)] = []
  private var monitor: Monitor

  public init(
    _ path: String, monitor name: String = "val_loss", mode: MonitorMode = .automatic,
    bestOnly: Bool = true, keeps: Int? = nil
  ) {
    self.path = path
    self.bestOnly = bestOnly
    self.keeps = keeps
    monitor = Monitor(name, mode)
    super.init()
  }

  public override func epochEnds(_ state: FitState) throws {
    let isWatched = bestOnly || keeps != nil
    let value = isWatched ? try monitor.value(state.logs) : Double(-state.epoch)
    if let keeps, files.count >= keeps, let worst = files.last {
      guard monitor.isRising ? value > worst.value : value < worst.value else { return }
    } else if bestOnly, keeps == nil, !monitor.take(value) {
      return
    }
    let target = named(state)
    try state.model.save(target)
    files.removeAll { $0.path == target }
    files.append((target, value))
    files.sort { monitor.isRising ? $0.value > $1.value : $0.value < $1.value }
    if let keeps {
      while files.count > max(keeps, 1) { unlink(files.removeLast().path) }
    }
  }

  /// The best figure and the files that are there.
  public override var memory: CallbackMemory {
    var m = CallbackMemory()
    if let best = monitor.best { m.notes["best"] = "\(best)" }
    for (i, file) in files.enumerated() {
      m.notes["path.\(i)"] = file.path
      m.notes["value.\(i)"] = "\(file.value)"
    }
    return m
  }

  public override func recall(_ memory: CallbackMemory, _ state: FitState) {
    monitor.best = memory.number("best")
    files = []
    while let path = memory.notes["path.\(files.count)"],
      let value = memory.number("value.\(files.count)")
    {
      files.append((path, value))
    }
  }

  /// The path with figures in place of their names.
  private func named(_ state: FitState) -> String {
    var text = ""
    var rest = path[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      text += rest[..<open]
      let name = String(rest[rest.index(after: open)..<close])
      if name == "epoch" {
        text += "\(state.epoch + 1)"
      } else if let value = state.logs[name] {
        text += short(value)
      } else {
        text += rest[open...close]
      }
      rest = rest[rest.index(after: close)...]
    }
    return text + rest
  }
}
