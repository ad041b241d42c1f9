import Compiler
import Formats
import Glibc
import Graphs
import Tensors

/// What a model was and is: nodes by operator, opset, bytes.
struct SavingSummary {
  private let from: String
  private let to: String
  private let before: GraphStatistics
  private let after: GraphStatistics
  private let opsets: (before: String, after: String)
  private let bytes: (before: Int, after: Int)

  init(before: ModelGraph, after: ModelGraph, from: String, to: String) {
    func opsets(_ m: ModelGraph) -> String {
      m.opsets.map { "\($0.domain.isEmpty ? "ai.onnx" : $0.domain) \($0.version)" }
        .joined(separator: ", ")
    }
    self.from = from
    self.to = to
    self.before = GraphStatistics(before.graph)
    self.after = GraphStatistics(after.graph)
    self.opsets = (opsets(before), opsets(after))
    bytes = (Self.size(from), Self.size(to))
  }

  private static func size(_ path: String) -> Int {
    var info = stat()
    return stat(path, &info) == 0 ? Int(info.st_size) : 0
  }

  var text: String {
    var table = Table(["", "before", "after"], right: [1, 2])
    table.add(["nodes", "\(before.nodes.count)", "\(after.nodes.count)"])
    for (name, old, new) in operators where old != new {
      table.add(["  " + name, "\(old)", "\(new)"])
    }
    table.add(["parameters", grouped(before.parameterCount), grouped(after.parameterCount)])
    table.add(["file", readable(bytes: bytes.before), readable(bytes: bytes.after)])
    let opset = opsets.before == opsets.after ? opsets.after : "\(opsets.before) → \(opsets.after)"
    return "\(Terminal.bold(from)) → \(Terminal.bold(to)), opset \(opset)\n" + table.text
  }

  /// Operators of either, the most frequent before first.
  private var operators: [(String, Int, Int)] {
    let new = Dictionary(uniqueKeysWithValues: after.operators.map { ($0.name, $0.count) })
    let old = Set(before.operators.map(\.name))
    return before.operators.map { ($0.name, $0.count, new[$0.name] ?? 0) }
      + after.operators.filter { !old.contains($0.name) }.map { ($0.name, 0, $0.count) }
  }

  var json: JSONValue {
    func side(_ s: GraphStatistics, _ opsets: String, _ bytes: Int) -> JSONValue {
      [
        "nodes": .int(Int64(s.nodes.count)), "opset": .string(opsets),
        "operators": .object(
          JSONObject(s.operators.map { ($0.name, JSONValue.int(Int64($0.count))) })),
        "parameters": .int(Int64(s.parameterCount)), "bytes": .int(Int64(bytes)),
      ]
    }
    return [
      "file": .string(to), "before": side(before, opsets.before, bytes.before),
      "after": side(after, opsets.after, bytes.after),
    ]
  }
}
