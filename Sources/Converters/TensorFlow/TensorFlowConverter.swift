import Formats
import Graphs
import Tensors

/// TensorFlow: frozen graphs and SavedModels.
///
/// Operators are allowed by name; what reads or writes files, runs code of other languages or is not
/// known is refused, in functions as well. Nodes that only act (assertions, printing) are left out.
public enum TensorFlowConverter: Converter {
  public static let kinds: [SourceKind] = [.graphDef, .savedModel]

  public static var operators: [SourceOperator] {
    TFOperators.table.values.map { SourceOperator($0.name, $0.note) }
  }

  public static func convert(
    path: String, kind: SourceKind, options: ConversionOptions
  ) throws(EngineError) -> ConversionResult {
    options.progress?("reading", 0)
    let isFolder = kind == .savedModel
    let file = try FileBytes(
      mapping: isFolder ? path + "/saved_model.pb" : path, limit: 1 << 33)
    let message = ProtoMessage(file)
    let session: TFSession
    let ports: TFPorts
    if isFolder {
      let saved = try TFSavedModel(message)
      let program = try TFProgram(saved.graph)
      let folder = ModelFolder(path: path)
      let variables =
        try TFPorts.hasVariables(program)
        ? TFVariables(try CheckpointBundle(folder), program, saved)
        : TFVariables()
      session = TFSession(
        program, options: options, variables: variables,
        tables: TFTables(folder, try saved.assetPlaces(program.main)))
      ports = try TFPorts(try saved.signature(options.signature), program.main, saved)
    } else {
      session = TFSession(
        try TFProgram(message), options: options, variables: TFVariables(),
        tables: TFTables(nil, []))
      ports = try TFPorts(session.program.main)
    }
    try TFSurvey(session.program, ports.outputs.map(\.ref), given: ports.replaced)
      .check(kind)
    session.builder.recorded = options.recorder(of: path)
    let graph = try ports.convert(session)
    options.progress?("completing", 0.7)
    let model = try ModelCompletion.model(graph, opset: options.opset)
    return ConversionResult(model, kind: kind, notes: session.notes)
  }
}
