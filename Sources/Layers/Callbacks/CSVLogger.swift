import Tensors
import Training

/// Writes the figures of each epoch as a line of a CSV file, as soon as they are there.
///
/// - `appends`: whether a file that is there is continued. - Errors: `.cannotCreate`, `.io`.
/// - Source: Keras 3 CSVLogger.
public final class CSVLogger: Callback {
  /// The file.
  public let path: String
  /// Whether a file that is there is continued.
  public let appends: Bool
  private var file: TextFile?
  private var columns: [String] = []

  public init(_ path: String, appends: Bool = false) {
    self.path = path
    self.appends = appends
    super.init()
  }

  public override func trainingBegins(_ state: FitState) throws {
    file = try TextFile(path, appends: appends)
    columns = []
  }

  public override func epochEnds(_ state: FitState) throws {
    guard let file else { return }
    if columns.isEmpty {
      columns = state.logs.names
      if file.isEmpty { try file.write((["epoch"] + columns).joined(separator: ",")) }
    }
    let cells = columns.map { name in state.logs[name].map { "\($0)" } ?? "" }
    try file.write((["\(state.epoch)"] + cells).joined(separator: ","))
  }

  public override func trainingEnds(_ state: FitState) { file = nil }
}
