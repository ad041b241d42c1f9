import ArgumentParser
import Graphs
import Operators
import Tensors

/// `dlrun ops`: the table of operators, made from their schemas.
struct Ops: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the operators, their versions and element types.",
    discussion: """
      With a name, describes that operator's inputs, outputs and attributes.

      Example: dlrun ops Conv
      """)

  @Argument(help: "Names of operators; default: all.") var names: [String] = []
  @Flag(help: "Print figures as JSON.") var json = false
  @Flag(help: "Print the manual's page of operators.") var markdown = false

  func run() throws {
    var schemas = Registry.all.map { $0.schema }
    if !names.isEmpty {
      for name in names where !schemas.contains(where: { $0.name == name }) {
        throw EngineError(
          .usage, "there is no operator '\(name)'", hint: "`dlrun ops` lists all; case counts")
      }
      schemas = schemas.filter { names.contains($0.name) }
    }
    if markdown {
      writeOutput(OperatorTable(Registry.all).markdown)
    } else if json {
      writeOutput("[" + schemas.map { record($0) }.joined(separator: ",\n") + "]\n")
    } else if names.isEmpty {
      writeOutput(OperatorTable(Registry.all).text)
    } else {
      for s in schemas { writeOutput(describe(s)) }
    }
  }

  private func domain(_ s: Schema) -> String { s.domain.isEmpty ? "ai.onnx" : s.domain }

  private func types(_ p: Parameter) -> String {
    p.types == .all ? "all" : p.types.list.map { "\($0)" }.joined(separator: " ")
  }

  private func describe(_ s: Schema) -> String {
    var text = Terminal.bold("\(s.name)") + ", \(domain(s))"
    text += ", versions \(s.versions.map { "\($0)" }.joined(separator: ", "))\n"
    for (title, list) in [("input", s.inputs), ("output", s.outputs)] {
      for p in list {
        let kind = p.kind == .required ? "" : " (\(p.kind))"
        text += "  \(title) \(p.name)\(kind): \(types(p))\n"
      }
    }
    for a in s.attributes { text += "  attribute \(a.name), \(a.kind.rawValue): \(a.doc)\n" }
    return text + "  gradient: \(s.isDifferentiable ? "yes" : "no")\n"
  }

  private func record(_ s: Schema) -> String {
    func list(_ p: [Parameter]) -> String {
      "["
        + p.map { p in
          let dtypes = p.types.list.map { jsonString("\($0)") }.joined(separator: ",")
          return "{\"name\":\(jsonString(p.name)),\"kind\":\(jsonString("\(p.kind)")),"
            + "\"types\":[\(dtypes)]}"
        }.joined(separator: ",") + "]"
    }
    let versions = s.versions.map { "\($0)" }.joined(separator: ",")
    let attributes = s.attributes.map { a in
      "{\"name\":\(jsonString(a.name)),\"type\":\(jsonString(a.kind.rawValue)),"
        + "\"doc\":\(jsonString(a.doc))}"
    }.joined(separator: ",")
    return "{\"name\":\(jsonString(s.name)),\"domain\":\(jsonString(domain(s))),"
      + "\"versions\":[\(versions)],\"inputs\":\(list(s.inputs)),\"outputs\":\(list(s.outputs)),"
      + "\"attributes\":[\(attributes)],\"gradient\":\(s.isDifferentiable)}"
  }
}
