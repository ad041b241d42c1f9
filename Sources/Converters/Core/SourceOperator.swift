/// A row of the table of what can be converted: an operator or a class of layer of the source.
public struct SourceOperator: Sendable, Hashable {
  /// As the source names it: `Conv2D`, `aten.convolution.default`.
  public let name: String
  /// What becomes of it, or limits, in a few words; may be empty.
  public let note: String

  public init(_ name: String, _ note: String = "") {
    self.name = name
    self.note = note
  }
}
