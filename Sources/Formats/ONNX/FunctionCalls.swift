import Graphs
import Tensors

/// Whether a model's functions can be told apart and call each other without end.
///
/// Errors: `.invalidModel` for two functions of one name or a function that calls itself, however
/// indirectly; `.budget` for a chain of calls beyond `maxCallDepth`.
enum FunctionCalls {
  struct Key: Hashable {
    let domain: String
    let name: String
    let overload: String
  }

  static func check(_ functions: [Function], _ limits: ReadLimits) throws(EngineError) {
    var index: [Key: Int] = [:]
    for (i, f) in functions.enumerated() {
      let key = Key(domain: f.domain, name: f.name, overload: f.overload)
      guard index.updateValue(i, forKey: key) == nil else {
        throw EngineError(.invalidModel, "the function '\(f.name)' is defined twice")
      }
    }
    let calls = functions.map { callees($0.body, index) }
    // Longest chain of calls from each function; -1 while on the current path.
    var depth: [Int?] = Array(repeating: nil, count: functions.count)
    for root in functions.indices where depth[root] == nil {
      var path: [(function: Int, next: Int)] = [(root, 0)]
      depth[root] = -1
      while let top = path.last {
        guard top.next < calls[top.function].count else {
          let longest = calls[top.function].map { depth[$0] ?? 0 }.max() ?? 0
          depth[top.function] = longest + 1
          guard longest < limits.maxCallDepth else {
            throw EngineError(
              .budget, "functions call each other too deeply, at '\(functions[top.function].name)'",
              expected: "at most \(limits.maxCallDepth)")
          }
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let callee = calls[top.function][top.next]
        if depth[callee] == -1 {
          throw EngineError(
            .invalidModel, "the function '\(functions[callee].name)' calls itself",
            received: path.map { functions[$0.function].name }.joined(separator: " -> "))
        }
        if depth[callee] == nil {
          depth[callee] = -1
          path.append((callee, 0))
        }
      }
    }
  }

  /// The functions that a graph and its subgraphs call.
  private static func callees(_ graph: Graph, _ index: [Key: Int]) -> [Int] {
    var found: Set<Int> = []
    for node in graph.nodes {
      if let i = index[Key(domain: node.domain, name: node.type, overload: node.overload)] {
        found.insert(i)
      }
      for subgraph in node.subgraphs { found.formUnion(callees(subgraph, index)) }
    }
    return found.sorted()
  }
}
