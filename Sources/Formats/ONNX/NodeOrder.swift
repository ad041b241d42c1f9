import Graphs
import Tensors

extension Graph {
  /// Puts nodes after the nodes whose values they use, their captured values included; nodes that
  /// are in order already stay where they are.
  ///
  /// Errors: `.invalidModel` for a cycle, naming its nodes.
  mutating func sortNodes() throws(EngineError) {
    var maker = [Int](repeating: -1, count: values.count)
    for (i, node) in nodes.enumerated() {
      for case let id? in node.outputs { maker[id.index] = i }
    }
    func makers(_ i: Int) -> [Int] {
      (nodes[i].inputs.compactMap { $0 } + nodes[i].captured).map { maker[$0.index] }
        .filter { $0 >= 0 }
    }
    guard nodes.indices.contains(where: { i in makers(i).contains { $0 >= i } }) else { return }
    // Depth first, in file order, with a list in place of recursion.
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    for root in nodes.indices where marks[root] == .new {
      var path: [(node: Int, needs: [Int], next: Int)] = [(root, makers(root), 0)]
      marks[root] = .open
      while let top = path.last {
        guard top.next < top.needs.count else {
          marks[top.node] = .done
          order.append(top.node)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let need = top.needs[top.next]
        switch marks[need] {
        case .done: break
        case .new:
          marks[need] = .open
          path.append((need, makers(need), 0))
        case .open:
          let start = path.firstIndex { $0.node == need } ?? 0
          throw cycle(path[start...].map(\.node))
        }
      }
    }
    nodes = order.map { nodes[$0] }
  }

  private func cycle(_ members: [Int]) -> EngineError {
    let shown = members.reversed().prefix(8).map { "'\(nodeName($0))'" }.joined(separator: " -> ")
    let more = members.count > 8 ? " and \(members.count - 8) more" : ""
    return EngineError(.invalidModel, "the nodes form a cycle: \(shown)\(more)")
  }
}
