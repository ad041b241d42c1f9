/// What passes did to each node of a model, and what they almost did.
public final class RewriteLog {
  public struct Entry: Sendable {
    public let node: String
    public let operatorName: String
    public let text: String
    /// Whether it says why something did not happen.
    public let isMiss: Bool
  }
  public private(set) var entries: [Entry] = []
  private var seen: Set<String> = []

  public init() {}

  /// Adds a line; the same line about the same node counts once.
  public func add(_ node: String, _ operatorName: String, _ text: String, isMiss: Bool) {
    guard seen.insert("\(node)\u{0}\(text)").inserted else { return }
    entries.append(Entry(node: node, operatorName: operatorName, text: text, isMiss: isMiss))
  }
}
