import Tensors

/// Everything in a source that cannot be converted, told in one message instead of one at a time.
public struct UnsupportedParts: Sendable {
  /// Reasons by what they concern (an operator, a layer class), with the places that use it.
  private var parts: [(what: String, reason: String, places: [String])] = []

  public init() {}

  public var isEmpty: Bool { parts.isEmpty }

  /// Notes that `what` (an operator, a class of layer) cannot be converted, at `place`.
  public mutating func add(_ what: String, at place: String, _ reason: String = "not supported") {
    if let i = parts.firstIndex(where: { $0.what == what && $0.reason == reason }) {
      parts[i].places.append(place)
    } else {
      parts.append((what, reason, [place]))
    }
  }

  /// Adds what another list holds.
  public mutating func merge(_ other: UnsupportedParts) {
    for part in other.parts {
      for place in part.places { add(part.what, at: place, part.reason) }
    }
  }

  /// Errors: `.unsupported` listing all parts, where there are any.
  public func check(_ kind: SourceKind) throws(EngineError) {
    guard !parts.isEmpty else { return }
    let list = parts.map { part -> String in
      let shown = part.places.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
      let rest = part.places.count > 3 ? " and \(part.places.count - 3) more" : ""
      return "\(part.what) (\(part.reason); at \(shown)\(rest))"
    }
    throw EngineError(
      .unsupported,
      "parts of the \(kind.title) cannot be converted: "
        + list.joined(separator: "; "),
      expected: "only what `dlrun convert --list` names")
  }
}
