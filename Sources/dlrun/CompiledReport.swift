import Formats
import Graphs
import Runtime
import Tensors

/// What a session makes of a model at level all, before any run.
struct CompiledReport {
  let outline: RunOutline
  private let statistics: GraphStatistics

  /// Inputs have the types inferred for them, every open size being 1.
  ///
  /// Errors: those of a session; `.unsupported` for inputs whose types are not known.
  init(_ model: ModelGraph, inferred: Graph) throws(EngineError) {
    var types: [String: TensorType] = [:]
    let defaults = Set(model.graph.initializers.map(\.id))
    for id in model.graph.inputs where !defaults.contains(id) {
      let fact = inferred.values[id.index].fact
      guard case .tensor(let dtype?, let dims?) = fact.type else {
        throw EngineError(.unsupported, "the sizes are not known")
      }
      types[model.graph.name(id)] = TensorType(
        dtype, try Shape(checking: dims.map { $0.known ?? 1 }))
    }
    let session = try Session(model, options: .init(threads: 1))
    outline = try session.outline(types)
    statistics = GraphStatistics(session.compiledGraph)
  }

  func memoryLines(_ note: String) -> [String] {
    [
      readable(bytes: outline.peakBytes) + " beside weights" + note,
      "\(readable(bytes: outline.arenaBytes)) arena with up to "
        + "\(readable(bytes: outline.scratchBytes)) of working memory, "
        + "\(readable(bytes: outline.resultBytes)) results; "
        + "\(readable(bytes: outline.weightBytes)) weights",
    ]
  }

  var operatorLines: [String] {
    ["\(grouped(statistics.nodes.count)) nodes at level all"]
      + statistics.operators.map { "\(grouped($0.count)) \($0.name)" }
  }

  /// The steps of a run with their kernels.
  var table: String {
    var table = Table(
      ["#", "runs as", "kernel", "results", "multiply-adds", "node"], right: [0, 4])
    for (i, s) in outline.steps.enumerated() {
      let results = s.outputs.map { $0.map { "\($0)" } ?? "_" }.joined(separator: ", ")
      table.add([
        "\(i)", s.operatorName, s.kernel, results, s.multiplyAdds.map { grouped($0) } ?? "?",
        s.node,
      ])
    }
    return table.text
  }

  func json(layers: Bool) -> JSONValue {
    func number(_ n: Int) -> JSONValue { .int(Int64(n)) }
    var members: [(String, JSONValue)] = [
      ("nodes", number(statistics.nodes.count)),
      (
        "operators",
        .object(JSONObject(statistics.operators.map { ($0.name, JSONValue.int(Int64($0.count))) }))
      ),
      ("arena_bytes", number(outline.arenaBytes)), ("scratch_bytes", number(outline.scratchBytes)),
      ("result_bytes", number(outline.resultBytes)),
      ("weight_bytes", number(outline.weightBytes)),
    ]
    if layers {
      let steps = outline.steps.map { (s) -> JSONValue in
        [
          "node": .string(s.node), "operator": .string(s.operatorName),
          "kernel": .string(s.kernel),
          "outputs": .array(s.outputs.map { $0.map { .string("\($0)") } ?? .null }),
          "multiply_adds": s.multiplyAdds.map { number($0) } ?? .null,
        ]
      }
      members.append(("steps", .array(steps)))
    }
    return .object(JSONObject(members))
  }
}
