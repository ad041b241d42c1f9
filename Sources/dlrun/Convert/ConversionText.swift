import Converters
import Formats
import Graphs
import Tensors

/// The report of a conversion.
struct ConversionText {
  let result: ConversionResult
  let input: String
  /// What was written, the file named first.
  let files: [String]
  let check: ConversionCheck?
  let tolerance: Double

  init(
    _ result: ConversionResult, input: String, files: [String], check: ConversionCheck?,
    tolerance: Double
  ) {
    self.result = result
    self.input = input
    self.files = files
    self.check = check
    self.tolerance = tolerance
  }

  func text(json: Bool) -> String {
    let model = result.model
    let statistics = GraphStatistics(model.graph)
    let opset = model.opset("") ?? 0
    if json {
      var parts: JSONObject = [
        "input": .string(input), "kind": .string(result.kind.rawValue),
        "output": .string(files.first ?? ""),
        "files": .array(files.map { .string($0) }), "nodes": .int(Int64(model.graph.nodes.count)),
        "opset": .int(Int64(opset)),
        "parameters": .int(Int64(statistics.parameterCount)),
        "notes": .array(result.notes.map { .string($0) }),
      ]
      if let check {
        parts.append(
          "outputs",
          .array(
            check.outputs.map {
              [
                "name": .string($0.name), "absolute": .double($0.difference.absolute),
                "relative": .double($0.difference.relative),
              ]
            }))
      }
      return JSONWriter.string(of: .object(parts), pretty: true)
    }
    var lines = [
      Terminal.bold(files.joined(separator: ", ")) + " from \(result.kind.title)",
      "graph    \(grouped(model.graph.nodes.count)) nodes, opset \(opset)",
      "weights  \(grouped(statistics.parameterCount)) parameters",
    ]
    for note in result.notes { lines.append("note     \(note)") }
    if let check {
      for (name, difference) in check.outputs {
        let mark =
          difference.relative <= tolerance ? Terminal.green("equal") : Terminal.red("differs")
        lines.append(
          "check    \(name) \(difference.note): \(mark), \(difference.relative) relative")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
