import Formats
import Tensors

/// Writes the learning curves of a run into one file when it ends, in every case: a page that needs
/// nothing else, or with a name that ends in `.svg` the drawing alone.
///
/// ```swift
/// try model.fit(x, y, epochs: 20, callbacks: [CurvePage("run.html")])
/// ```
///
/// - Figures of epochs before a run was broken off are there too, where the run is restored.
/// - Errors: `.cannotCreate` when training begins, `.io`.
public final class CurvePage: Callback {
  /// The file.
  public let path: String
  /// What stands above.
  public let title: String
  private var firstEpoch = 0
  private var epochs: [Logs] = []

  public init(_ path: String, title: String = "Training") {
    self.path = path
    self.title = title
    super.init()
  }

  public override func trainingBegins(_ state: FitState) throws {
    // Hours of training are not to end at a folder that is not there.
    _ = try AtomicFile(path)
    epochs = []
    firstEpoch = state.epoch
  }

  public override func epochEnds(_ state: FitState) { epochs.append(state.logs) }

  public override func trainingEnds(_ state: FitState) throws {
    let curves = LearningCurves(title: title, firstEpoch: firstEpoch, epochs: epochs)
    let file = try AtomicFile(path)
    try file.write(Array((path.hasSuffix(".svg") ? curves.svg : curves.html).utf8))
    try file.commit()
  }

  /// All figures so far.
  public override var memory: CallbackMemory {
    var m = CallbackMemory(notes: ["first": "\(firstEpoch)"])
    for (i, logs) in epochs.enumerated() {
      m.notes["\(i)"] = logs.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
    }
    return m
  }

  public override func recall(_ memory: CallbackMemory, _ state: FitState) {
    firstEpoch = memory.integer("first") ?? firstEpoch
    epochs = []
    while let text = memory.notes["\(epochs.count)"] {
      var logs = Logs()
      for part in text.split(separator: ";") {
        guard let at = part.lastIndex(of: "=") else { continue }
        logs[String(part[..<at])] = Double(part[part.index(after: at)...])
      }
      epochs.append(logs)
    }
  }
}
