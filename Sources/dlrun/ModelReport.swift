import Formats
import Graphs
import Operators
import Runtime
import Tensors

/// A model with what can be told of it without running it.
struct ModelReport {
  let path: String
  /// Functions inlined, types inferred as far as they go.
  private(set) var model: ModelGraph
  private let faults: [EngineError]
  private let statistics: GraphStatistics
  /// Multiply-adds with every open size taken as 1.
  private let smallestMultiplyAdds: Int?
  /// Of a compiled model: what for.
  private let parts: CompiledParts?
  /// What runs, with every open size taken as 1; nil where that is not known.
  private let compiled: CompiledReport?

  /// Errors: those of the reader; `.usage` for a shape of an input that does not exist, `.shape`
  /// for one that does not fit.
  init(path: String, shapes: [ShapeOption]) throws(EngineError) {
    self.path = path
    let original = try ModelFile.read(contentsOf: path)
    do throws(EngineError) {
      let lookup = Registry.lookup(for: original)
      model = try original.inliningFunctions(using: lookup)
      try model.graph.verify()
      let overrides = try ModelReport.overrides(model.graph, shapes)
      var strict = model.graph
      // Shapes that do not fit are the user's fault, not the model's.
      strict.nodes = []
      try strict.inferFacts(using: lookup, inputs: overrides)
      let inlined = model
      faults = try model.inferFacts(using: lookup, inputs: overrides, options: .lenient)
      statistics = GraphStatistics(model.graph)

      let symbols = statistics.multiplyAdds.symbols
      let ones = Dictionary(uniqueKeysWithValues: symbols.map { ($0, Dim(1)) })
      smallestMultiplyAdds = statistics.multiplyAdds.substituting(ones).known
      let runs = original.compiled == nil ? inlined : original
      compiled = faults.isEmpty ? try? CompiledReport(runs, inferred: model.graph) : nil
      parts = original.compiled
    } catch { throw error.at(file: path) }
  }

  var drawing: DrawingOptions { DrawingOptions { Registry.family(of: $0) } }

  private static func overrides(
    _ graph: Graph, _ shapes: [ShapeOption]
  ) throws(EngineError) -> [ValueID: Fact] {
    var facts: [ValueID: Fact] = [:]
    for shape in shapes {
      guard let id = graph.inputs.first(where: { graph.name($0) == shape.name }) else {
        throw EngineError(
          .usage, "--shape names no input: '\(shape.name)'",
          expected: graph.inputs.map { "'\(graph.name($0))'" }.joined(separator: ", "))
      }
      _ = try Shape(checking: shape.sizes)
      facts[id] = Fact(graph.values[id.index].fact.dtype, shape.sizes.map { Dim($0) })
    }
    return facts
  }
}

extension ModelReport {
  private var ports: (inputs: [(String, String)], outputs: [(String, String)]) {
    let g = model.graph
    let defaults = Set(g.initializers.map(\.id))
    func port(_ id: ValueID) -> (String, String) {
      (g.name(id), g.values[id.index].fact.type.description)
    }
    return (
      g.inputs.filter { !defaults.contains($0) }.map(port), g.outputs.map(port)
    )
  }
  private var opsetText: String {
    model.opsets.map { "\($0.domain.isEmpty ? "ai.onnx" : $0.domain) \($0.version)" }
      .joined(separator: ", ")
  }
  private var hasOpenSizes: Bool {
    model.graph.inputs.contains {
      model.graph.values[$0.index].fact.dims?.contains { $0.known == nil } ?? true
    }
  }

  func text(layers: Bool) -> String {
    var text = ""
    func add(_ title: String, _ lines: [String]) {
      for (i, line) in lines.enumerated() {
        let head = i == 0 ? title : ""
        text += head + String(repeating: " ", count: 15 - head.count) + line + "\n"
      }
    }
    func portLines(_ ports: [(String, String)]) -> [String] {
      let width = ports.map(\.0.count).max() ?? 0
      return ports.map { (name, type) in
        name + String(repeating: " ", count: width - name.count + 2) + type
      }
    }
    add("model", [path])
    add("format", ["ONNX IR \(model.irVersion), opset \(opsetText)"])
    if let parts {
      let types = parts.inputs.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
      add(
        "compiled for",
        [
          "\(parts.instructionSet), \(types)",
          "level \(parts.level)" + (parts.isExact ? ", exact" : "")
            + (parts.isCompact ? ", compact" : "") + ", \(grouped(parts.packed.count)) "
            + "packed forms of weights, "
            + readable(bytes: parts.packed.reduce(0) { $0 + $1.bytes.byteCount }),
          "from '\(parts.source.name)', SHA-256 \(parts.source.digest)",
        ])
    }
    if !model.producerName.isEmpty {
      add("producer", ["\(model.producerName) \(model.producerVersion)"])
    }
    add("inputs", portLines(ports.inputs))
    add("outputs", portLines(ports.outputs))
    add("metadata", model.metadata.map { "\($0.key) = \(quotedText($0.value, limit: 100))" })
    add(
      "operators",
      ["\(grouped(statistics.nodes.count)) nodes"]
        + statistics.operators.map { "\(grouped($0.count)) \($0.name)" })
    add(
      "parameters",
      ["\(grouped(statistics.parameterCount)) (\(readable(bytes: statistics.parameterBytes)))"])
    add("multiply-adds", [multiplyAddsText])
    let note = hasOpenSizes ? " with every open size 1" : ""
    add("peak memory", compiled?.memoryLines(note) ?? ["not known"])
    add("compiled", compiled?.operatorLines ?? ["not known"])
    let shown = faults.prefix(5).map { $0.description }
    let rest = faults.count - shown.count
    add("faults", shown + (rest > 0 ? ["and \(rest) more: see dlrun check"] : []))
    return text + (layers ? "\n" + layerTable + (compiled.map { "\n" + $0.table } ?? "") : "")
  }

  private var multiplyAddsText: String {
    let sum = statistics.multiplyAdds
    var text: String
    if let n = sum.known {
      text = grouped(n)
    } else {
      // Long sums of invented names tell nobody anything.
      let formula = sum.description
      let figure = smallestMultiplyAdds.map { "\(grouped($0)) with every open size 1" }
      text = formula.count <= 60 || figure == nil ? formula : ""
      if let figure { text += text.isEmpty ? figure : " (\(figure))" }
    }
    if statistics.uncountedNodes > 0 {
      text += ", \(statistics.uncountedNodes) nodes of unknown size not counted"
    }
    if statistics.hasSubgraphs { text += ", subgraphs counted once" }
    return text
  }

  private var layerTable: String {
    var table = Table(
      ["#", "node", "operator", "results", "parameters", "multiply-adds"], right: [0, 4, 5])
    for (i, n) in statistics.nodes.enumerated() {
      let results = n.outputs.map { $0?.description ?? "_" }.joined(separator: ", ")
      let cost = n.multiplyAdds.map { d in d.known.map { grouped($0) } ?? "\(d)" } ?? "?"
      let indent = String(repeating: "  ", count: n.depth)
      table.add([
        "\(i)", indent + n.name, n.operatorName, results, grouped(n.parameterCount), cost,
      ])
    }
    return table.text
  }

  func json(layers: Bool) -> JSONValue {
    func number(_ n: Int?) -> JSONValue { n.map { .int(Int64($0)) } ?? .null }
    func text(_ s: String?) -> JSONValue { s.map { .string($0) } ?? .null }
    func list(_ ports: [(String, String)]) -> JSONValue {
      .array(ports.map { ["name": .string($0.0), "type": .string($0.1)] })
    }
    func object(_ members: [(String, JSONValue)]) -> JSONValue {
      var o = JSONObject()
      for (key, value) in members where o[key] == nil { o.append(key, value) }
      return .object(o)
    }
    var members: [(String, JSONValue)] = [
      ("model", .string(path)),
      ("ir_version", number(model.irVersion)),
      (
        "opsets",
        object(model.opsets.map { ($0.domain.isEmpty ? "ai.onnx" : $0.domain, number($0.version)) })
      ),
      ("producer", .string(model.producerName)),
      ("producer_version", .string(model.producerVersion)),
      ("inputs", list(ports.inputs)),
      ("outputs", list(ports.outputs)),
      ("metadata", object(model.metadata.map { ($0.key, .string($0.value)) })),
      ("nodes", number(statistics.nodes.count)),
      ("operators", object(statistics.operators.map { ($0.name, number($0.count)) })),
      ("parameters", number(statistics.parameterCount)),
      ("parameter_bytes", number(statistics.parameterBytes)),
      ("multiply_adds", .string("\(statistics.multiplyAdds)")),
      ("multiply_adds_with_open_sizes_1", number(smallestMultiplyAdds)),
      ("uncounted_nodes", number(statistics.uncountedNodes)),
      ("peak_bytes_with_open_sizes_1", number(compiled?.outline.peakBytes)),
      ("compiled", compiled?.json(layers: layers) ?? .null),
      ("compiled_for", text(parts?.instructionSet)),
      ("compiled_from_sha256", text(parts?.source.digest)),
      ("faults", .array(faults.map { .string($0.description) })),
    ]
    if layers {
      let items = statistics.nodes.map { (n) -> JSONValue in
        [
          "name": .string(n.name), "operator": .string(n.operatorName),
          "results": .array(n.outputs.map { text($0?.description) }),
          "parameters": number(n.parameterCount),
          "multiply_adds": text(n.multiplyAdds.map { "\($0)" }), "depth": number(n.depth),
        ]
      }
      members.append(("layers", .array(items)))
    }
    return object(members)
  }
}

/// `1234567` as `1,234,567`.
func grouped(_ n: Int) -> String {
  var digits = Array(String(n.magnitude))
  var i = digits.count - 3
  while i > 0 {
    digits.insert(",", at: i)
    i -= 3
  }
  return (n < 0 ? "-" : "") + String(digits)
}
