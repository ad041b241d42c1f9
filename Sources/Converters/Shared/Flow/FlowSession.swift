import Graphs
import Tensors

/// What conversions with branches and loops share: the graph that grows, and how deep it is nested.
class FlowSession {
  let builder = ConversionBuilder()
  /// How deep functions, branches and loops are nested.
  private(set) var depth = 0
  private var sizes = 0
  private(set) var notes: [String] = []

  /// The deepest nesting of functions, branches and loops.
  static let maxDepth = 60

  /// Runs `body` one level deeper.
  ///
  /// Errors: `.budget` beyond the deepest level, as functions that call themselves reach it.
  func nested<R>(_ body: () throws(EngineError) -> R) throws(EngineError) -> R {
    guard depth < Self.maxDepth else {
      throw EngineError(
        .budget, "functions, branches and loops are nested too deeply",
        expected: "at most \(Self.maxDepth) levels")
    }
    depth += 1
    defer { depth -= 1 }
    return try body()
  }

  /// A name for a size that nobody knows.
  func freshSize() -> String {
    sizes += 1
    return "open_\(sizes)"
  }

  func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

  /// Values with handles read, so that nested graphs can capture them.
  func read(_ values: [FlowValue]) throws(EngineError) -> [FlowValue] { values }

  /// `value` of the graph directly around the one being recorded, within the latter. Variables
  /// become their values, which loops and branches do not change.
  func captured(
    _ value: FlowValue
  ) throws(EngineError) -> FlowValue {
    switch value {
    case .tensor(let id): return .tensor(try builder.capture(id))
    case .list(var list):
      switch list.state {
      case .stacked(let id): list.state = .stacked(try builder.capture(id))
      case .reserved(let count): list.state = .reserved(count: try builder.capture(count))
      case .scanning, .written:
        throw EngineError(.unsupported, "a list is used in a loop within the loop that writes it")
      }
      return .list(list)
    case .variable, .table, .nothing: return value
    }
  }
}
