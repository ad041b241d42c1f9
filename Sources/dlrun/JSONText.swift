/// A JSON value, written with its members in the given order.
enum JSONText {
  case null
  case bool(Bool)
  case int(Int)
  /// Not-a-number and infinities, which JSON lacks, are written as null.
  case number(Double)
  case string(String)
  case array([JSONText])
  case object([(String, JSONText)])

  static func string(_ s: String?) -> JSONText { s.map { .string($0) } ?? .null }
  static func int(_ n: Int?) -> JSONText { n.map { .int($0) } ?? .null }

  /// Indented by two spaces a level; arrays of plain values stand on one line.
  func text(indent: String = "") -> String {
    let inner = indent + "  "
    switch self {
    case .null: return "null"
    case .bool(let b): return b ? "true" : "false"
    case .int(let n): return "\(n)"
    case .number(let x): return x.isFinite ? "\(x)" : "null"
    case .string(let s): return jsonString(s)
    case .array(let items):
      if items.allSatisfy({ $0.isPlain }) {
        return "[" + items.map { $0.text() }.joined(separator: ", ") + "]"
      }
      let lines = items.map { inner + $0.text(indent: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map {
        inner + jsonString($0.0) + ": " + $0.1.text(indent: inner)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
    }
  }

  private var isPlain: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}
