/// How far a step of quantising has come.
public struct QuantizationProgress: Sendable {
  /// What is being done: `calibrating`.
  public let stage: String
  public let done: Int
  /// Nil where nobody knows.
  public let total: Int?
  /// Is told from the thread that quantises.
  public typealias Observer = (QuantizationProgress) -> Void

  public init(stage: String, done: Int, total: Int?) {
    self.stage = stage
    self.done = done
    self.total = total
  }
}
