import Formats
import Graphs
import Tensors

/// Models that `torch.export.save` wrote.
///
/// The program's graph is read, not run: each operator of PyTorch has a rule (`TorchOperators`).
/// Plain exports and those after `run_decompositions()` are both taken. Sizes that the export left
/// open keep the program's names; results have the names of the model's own dictionary, where it
/// returns one.
public enum TorchExport: Converter {
  public static let kinds: [SourceKind] = [.torchExport]

  public static var operators: [SourceOperator] {
    TorchOperators.families.flatMap { $0 }.flatMap { op in
      op.names.map { SourceOperator($0, op.note) }
    }
  }

  /// Errors: `.inputMissing`, `.malformed`, `.budget`; `.unsupported` listing what cannot be
  /// converted; `.usage` for sizes that do not fit the inputs.
  public static func convert(
    path: String, kind: SourceKind, options: ConversionOptions
  ) throws(EngineError) -> ConversionResult {
    try convert(ExportArchive(path: path), options)
  }

  /// - `owner` keeps `bytes` alive.
  static func convert(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject,
    options: ConversionOptions = ConversionOptions()
  ) throws(EngineError) -> ConversionResult {
    try convert(ExportArchive(bytes, owner: owner), options)
  }

  private static func convert(
    _ archive: ExportArchive, _ options: ConversionOptions
  ) throws(EngineError) -> ConversionResult {
    let program = archive.program
    var missing = UnsupportedParts()
    note(program.graph, in: &missing)
    try missing.check(.torchExport)

    let builder = ConversionBuilder()
    let graph = TorchGraph(program.graph, into: builder)
    let interface = TorchInterface(program, options.shapes)
    try interface.addInputs(to: graph, from: archive)
    try graph.convert(program.graph) { options.progress?("converting operators", $0 * 0.8) }
    try graph.unsupported.check(.torchExport)
    try interface.addOutputs(of: graph)
    let turned = graph.parameters.settleNames(&builder.graph)
    options.progress?("simplifying", 0.8)
    var recorded = ModelGraph(builder.graph)
    recorded.metadata.append(.init("dlrun.torch_version", program.torchVersion))
    if !turned.isEmpty {
      recorded.metadata.append(.init("dlrun.transposed", turned.joined(separator: "\n")))
    }
    if let adjust = options.adjust { graph.notes += try adjust(&recorded) }
    let model = try ModelCompletion.model(recorded, opset: options.opset, producer: "PyTorch")
    options.progress?("done", 1)
    var result = ConversionResult(model, kind: .torchExport, notes: graph.notes)
    result.wasAdjusted = options.adjust != nil
    return result
  }

  /// Every operator that has no rule, those of graphs within among them.
  private static func note(_ graph: ExportedGraph, in missing: inout UnsupportedParts) {
    for node in graph.nodes {
      if TorchOperators.byName[node.target] == nil { missing.add(node.target, at: node.name) }
      for case (_, .graph(let inner)) in node.inputs { note(inner, in: &missing) }
    }
  }
}
