import Tensors
import Training

/// Writes the figures of each epoch as a line that is a JSON object, as soon as they are there.
///
/// - Numbers that are not finite are null. - Errors: `.cannotCreate`, `.io`.
public final class JSONLogger: Callback {
  /// The file.
  public let path: String
  /// Whether a file that is there is continued.
  public let appends: Bool
  private var file: TextFile?

  public init(_ path: String, appends: Bool = false) {
    self.path = path
    self.appends = appends
    super.init()
  }

  public override func trainingBegins(_ state: FitState) throws {
    file = try TextFile(path, appends: appends)
  }

  public override func epochEnds(_ state: FitState) throws {
    let parts = state.logs.map { name, value in
      "\"\(name)\":\(value.isFinite ? "\(value)" : "null")"
    }
    try file?.write("{" + (["\"epoch\":\(state.epoch)"] + parts).joined(separator: ",") + "}")
  }

  public override func trainingEnds(_ state: FitState) { file = nil }
}
