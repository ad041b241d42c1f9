import Graphs
import Tensors

/// What all scopes of one conversion share.
final class TFSession {
  let builder = ConversionBuilder()
  let program: TFProgram
  let options: ConversionOptions
  /// Where variables' values are found.
  let variables: TFVariables
  let tables: TFTables
  private(set) var notes: [String] = []
  /// Initializers of the outermost graph made of variables.
  private var weights: [String: ValueID] = [:]
  /// How deep functions, branches and loops are nested.
  private(set) var depth = 0

  /// The deepest nesting of functions, branches and loops.
  static let maxDepth = 60

  init(
    _ program: TFProgram, options: ConversionOptions, variables: TFVariables, tables: TFTables
  ) {
    self.program = program
    self.options = options
    self.variables = variables
    self.tables = tables
  }

  private var controls: [ObjectIdentifier: (frames: TFFrames, merges: TFMerges)] = [:]

  /// The old control flow of a body, found once.
  func control(_ body: TFBody) throws(EngineError) -> (frames: TFFrames, merges: TFMerges) {
    if let known = controls[ObjectIdentifier(body)] { return known }
    let frames = try TFFrames(body)
    let made = (frames, TFMerges(body, frames))
    controls[ObjectIdentifier(body)] = made
    return made
  }

  private var sizes = 0
  /// A name for a size that nobody knows.
  func freshSize() -> String {
    sizes += 1
    return "open_\(sizes)"
  }

  func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

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

  /// The value of a variable in the graph being recorded.
  func variable(_ name: String) throws(EngineError) -> ValueID {
    if builder.depth == 0 {
      if let known = weights[name] { return known }
      let made = builder.weight(name, try variables.tensor(name))
      weights[name] = made
      return made
    }
    return builder.weight(name, try variables.tensor(name))
  }

  /// `value` of the graph directly around the one being recorded, within the latter. Variables
  /// become their values, which loops and branches do not change.
  func captured(
    _ value: TFValue
  ) throws(EngineError) -> TFValue {
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

  /// Values with variables read, so that nested graphs can capture them.
  func read(_ values: [TFValue]) throws(EngineError) -> [TFValue] {
    var list: [TFValue] = []
    for v in values {
      if case .variable(let name) = v { list.append(.tensor(try variable(name))) } else {
        list.append(v)
      }
    }
    return list
  }
}
