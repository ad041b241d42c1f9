import Graphs
import Kernels
import Operators
import Tensors

/// The table of operators, made from their schemas and from what `prepare` says of their examples.
struct OperatorTable {
  struct Row {
    let name: String
    let domain: String
    let versions: String
    let types: String
    let kinds: String
    let hasGradient: Bool
  }
  let rows: [Row]

  init(_ operators: [any Operator.Type]) {
    rows = operators.map { type in
      let s = type.schema
      let first = s.inputs.first ?? s.outputs.first
      return Row(
        name: s.name, domain: s.domain.isEmpty ? "ai.onnx" : s.domain,
        versions: s.versions.map { "\($0)" }.joined(separator: " "),
        types: first.map { shortText($0.types) } ?? "", kinds: Self.kinds(type),
        hasGradient: s.isDifferentiable)
    }
  }

  /// How the operator runs on its examples: as an expansion into others, by kernels planned ahead,
  /// as a view that costs nothing, or on values, where sizes or contents depend on data.
  private static func kinds(_ type: any Operator.Type) -> String {
    if type is any CompositeOperator.Type { return "expansion" }
    let cases = (try? type.schema.cases()) ?? []
    var found: Set<String> = []
    for c in cases {
      let inputs: [Value?] = c.inputs.map { $0.map { .tensor($0) } }
      // What follows the first input may be weights, which some kernels want to know beforehand.
      let call = try? Call(
        dynamic: c.op, inputs, outputs: c.outputCount, options: .init(),
        lasting: inputs.indices.map { $0 > 0 })
      switch call?.prepared.kind {
      case .kernel: found.insert("kernel")
      case .view: found.insert("view")
      case .dynamic, nil: found.insert("values")
      }
    }
    return cases.isEmpty ? "values" : found.sorted().joined(separator: " ")
  }

  static let legend: [(name: String, meaning: String)] = [
    ("floats", "float16 bfloat16 float32 float64"),
    ("ints", "int8 int16 int32 int64 uint8 uint16 uint32 uint64"),
    ("signed", "int8 int16 int32 int64"), ("unsigned", "uint8 uint16 uint32 uint64"),
    ("float8", "float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz"),
    ("float6", "float6e2m3 float6e3m2"), ("4-bit", "int4 uint4 float4e2m1"),
    ("2-bit", "int2 uint2"), ("complex", "complex64 complex128"),
  ]

  /// For the terminal.
  var text: String {
    var table = Table(["operator", "domain", "versions", "element types", "runs as", "gradient"])
    for r in rows {
      table.add([r.name, r.domain, r.versions, r.types, r.kinds, r.hasGradient ? "yes" : ""])
    }
    return table.text + "\n\(rows.count) operators; a name tells more: dlrun ops Conv\n"
  }

  /// For the manual.
  var markdown: String {
    var text = """
      # Operators

      Every operator dlrun runs. Made by `dlrun ops --markdown` from the operators' schemas;
      `tools/test` fails when this page is not what it prints.

      *Element types* are those of the first input. Short names:

      | name | element types |
      | --- | --- |

      """
    for l in Self.legend { text += "| \(l.name) | \(l.meaning) |\n" }
    text += """

      *Runs as*: `kernel`, planned ahead into the arena; `view`, which shares memory and costs
      nothing; `expansion` into other operators, planned as they are; `values`, run at once on
      tensors, strings or containers, where sizes or contents depend on data.

      """
    var domain = ""
    for r in rows {
      if r.domain != domain {
        domain = r.domain
        text += "\n## \(domain)\n\n"
        text += "| operator | versions | element types | runs as | gradient |\n"
        text += "| --- | --- | --- | --- | --- |\n"
      }
      text += "| \(r.name) | \(r.versions) | \(r.types) | \(r.kinds) | "
      text += "\(r.hasGradient ? "yes" : "") |\n"
    }
    return text
  }
}

/// The types of a set, in groups where a group is complete.
func shortText(_ types: DTypes) -> String {
  if types == .all { return "all" }
  var rest = types
  var parts: [String] = []
  let groups: [(String, DTypes)] = [
    ("floats", .floats), ("ints", .ints), ("signed", .signedInts), ("unsigned", .unsignedInts),
    ("float8", DTypes(.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz)),
    ("float6", .float6s), ("4-bit", DTypes(.int4, .uint4, .float4e2m1)),
    ("2-bit", DTypes(.int2, .uint2)), ("complex", .complex),
  ]
  for (name, group) in groups where rest.isSuperset(of: group) {
    parts.append(name)
    rest.subtract(group)
  }
  return (parts + rest.list.map { "\($0)" }).joined(separator: " ")
}
