import Synchronization

/// A graph held by an operator. Compared by identity, so that runtimes can keep what they make of
/// it beside it.
public final class Subgraph: Hashable, Sendable {
  public let graph: Graph
  /// What a runtime made of the graph: its program.
  public let prepared = Mutex<(any AnyObject & Sendable)?>(nil)

  public init(_ graph: Graph) { self.graph = graph }

  public static func == (a: Subgraph, b: Subgraph) -> Bool { a === b }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
