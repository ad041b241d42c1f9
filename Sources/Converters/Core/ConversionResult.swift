import Graphs

/// What a conversion made.
public struct ConversionResult: Sendable {
  public var model: ModelGraph
  public var kind: SourceKind
  /// What the user should know: parts left out because they mean nothing at inference, options
  /// without effect.
  public var notes: [String]
  /// The ONNX file that holds just this model, where nothing was to change: it is copied.
  public var unchanged: String?

  /// Whether `ConversionOptions.adjust` has run.
  public var wasAdjusted = false

  public init(_ model: ModelGraph, kind: SourceKind, notes: [String] = []) {
    self.model = model
    self.kind = kind
    self.notes = notes
  }
}
