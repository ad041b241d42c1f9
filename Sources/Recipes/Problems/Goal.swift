/// What a network is to tell.
public enum Goal: Sendable {
  /// One of these classes. Targets are class numbers.
  case classes([String])
  /// A number. Targets are less `mean`, over `deviation`.
  case number(name: String, mean: Double, deviation: Double)
  /// The next of these characters, at each step.
  case characters([String])

  /// What the network's last layer has.
  var width: Int {
    switch self {
    case .classes(let names), .characters(let names): names.count
    case .number: 1
    }
  }

  public var description: String {
    switch self {
    case .classes(let names):
      names.count == 2
        ? "binary classification: \(names.joined(separator: " or "))"
        : "classification into \(names.count) classes"
    case .number(let name, _, _): "regression of \(name)"
    case .characters(let names): "the next character, of \(names.count)"
    }
  }
}
