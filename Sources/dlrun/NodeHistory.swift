import Compiler
import Formats
import Graphs
import Operators
import Tensors

/// What happened to every node of a model: what `dlrun optimize --explain` prints.
struct NodeHistory {
  enum Status: String {
    /// Nothing changed it.
    case untouched
    /// Something changed it, or took it in.
    case rewritten
    /// It is not there any more, because nothing needs its result.
    case unneeded
  }
  struct Record {
    let node: String
    let operatorName: String
    let status: Status
    let done: [String]
    let missed: [String]
  }
  let records: [Record]

  /// `result` is what passes made of the model, with `log` as their record.
  init(_ model: ModelGraph, _ result: Graph, _ log: RewriteLog) {
    var done: [String: [String]] = [:]
    var missed: [String: [String]] = [:]
    for e in log.entries {
      if e.isMiss {
        missed[e.node, default: []].append(e.text)
      } else {
        done[e.node, default: []].append(e.text)
      }
    }
    var left: [String: Int] = [:]
    result.forEachNode { (g, i, _) in left[Self.key(g, i), default: 0] += 1 }
    let plain = (try? model.inliningFunctions(using: Registry.lookup(for: model))) ?? model
    var records: [Record] = []
    plain.graph.forEachNode { (g, i, depth) in
      let name = g.nodeName(i)
      let (did, near) = (done[name] ?? [], missed[name] ?? [])
      let isThere = left[Self.key(g, i)] != nil
      let status: Status = !did.isEmpty ? .rewritten : isThere ? .untouched : .unneeded
      records.append(
        Record(
          node: String(repeating: "  ", count: depth) + name, operatorName: g.nodes[i].type,
          status: status, done: did,
          // What a pass missed at first, another may have made possible.
          missed: isThere || did.isEmpty ? near : []))
    }
    self.records = records
  }

  /// What tells a node apart that passes leave as it is.
  private static func key(_ g: Graph, _ i: Int) -> String {
    "\(g.nodes[i].domain)\u{0}\(g.nodes[i].type)\u{0}\(g.nodeName(i))"
  }

  var text: String {
    var text = ""
    for r in records {
      let what: String =
        switch r.status {
        case .untouched: "untouched"
        case .unneeded: "gone: nothing needs its result any more"
        case .rewritten: ""
        }
      text += "\(Terminal.bold(r.node))  \(r.operatorName)"
      text += (what.isEmpty ? "" : "  " + Terminal.dim(what)) + "\n"
      for line in r.done { text += "    \(line)\n" }
      for line in r.missed { text += "    near: \(line)\n" }
    }
    func count(_ s: Status) -> Int { records.count { $0.status == s } }
    return text
      + "\(records.count) nodes: \(count(.rewritten)) rewritten, \(count(.unneeded)) gone, "
      + "\(count(.untouched)) untouched\n"
  }

  var json: JSONValue {
    func list(_ lines: [String]) -> JSONValue { .array(lines.map { .string($0) }) }
    return .array(
      records.map { r in
        [
          "node": .string(String(r.node.drop { $0 == " " })), "operator": .string(r.operatorName),
          "status": .string(r.status.rawValue), "done": list(r.done), "missed": list(r.missed),
        ]
      })
  }
}

extension Graph {
  /// Visits every node in order, those of a body behind the node that holds it.
  func forEachNode(depth: Int = 0, _ body: (Graph, Int, Int) -> Void) {
    for i in nodes.indices {
      body(self, i, depth)
      guard depth < Graph.maxDepth else { continue }
      for g in nodes[i].subgraphs { g.forEachNode(depth: depth + 1, body) }
    }
  }
}
