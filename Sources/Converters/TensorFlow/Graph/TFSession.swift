import Graphs
import Tensors

/// What all scopes of one conversion share.
final class TFSession: FlowSession {
  let program: TFProgram
  let options: ConversionOptions
  /// Where variables' values are found.
  let variables: TFVariables
  let tables: TFTables
  /// Initializers of the outermost graph made of variables.
  private var weights: [String: ValueID] = [:]
  private var controls: [ObjectIdentifier: (frames: TFFrames, merges: TFMerges)] = [:]

  init(
    _ program: TFProgram, options: ConversionOptions, variables: TFVariables, tables: TFTables
  ) {
    self.program = program
    self.options = options
    self.variables = variables
    self.tables = tables
  }

  /// The old control flow of a body, found once.
  func control(_ body: TFBody) throws(EngineError) -> (frames: TFFrames, merges: TFMerges) {
    if let known = controls[ObjectIdentifier(body)] { return known }
    let frames = try TFFrames(body)
    let made = (frames, TFMerges(body, frames))
    controls[ObjectIdentifier(body)] = made
    return made
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

  override func read(_ values: [FlowValue]) throws(EngineError) -> [FlowValue] {
    var list: [FlowValue] = []
    for v in values {
      if case .variable(let name) = v {
        list.append(.tensor(try variable(name)))
      } else {
        list.append(v)
      }
    }
    return list
  }
}
