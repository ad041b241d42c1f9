import Compiler
import Graphs
import Tensors

/// Where each value of a C program lies: in a constant, in what the caller gives, or at an offset of
/// the arena, worked out from lifetimes.
struct CMemory {
  enum Place: Hashable {
    case constant(ValueID)
    case input(Int)
    case output(Int)
    /// Bytes from the arena's start.
    case arena(Int)
  }

  private(set) var arenaBytes = 0
  private var places: [ValueID: Place] = [:]
  /// For values that share another's memory, that value.
  private var roots: [ValueID: ValueID] = [:]
  /// Outputs that are copied at the end, since their memory is something else.
  private(set) var copies: [(output: Int, from: ValueID)] = []

  init(_ source: CGraph) {
    let graph = source.graph
    for node in graph.nodes where COperators.views.contains(node.type) {
      guard let x = node.inputs.first.flatMap({ $0 }), let y = node.outputs.first.flatMap({ $0 })
      else { continue }
      roots[y] = root(x)
    }
    for (k, id) in graph.inputs.enumerated() { places[id] = .input(k) }
    var made: Set<ValueID> = []
    for node in graph.nodes where !COperators.views.contains(node.type) {
      made.formUnion(node.outputs.compactMap { $0 })
    }
    for (k, id) in graph.outputs.enumerated() {
      let memory = root(id)
      if made.contains(memory), places[memory] == nil {
        places[memory] = .output(k)
      } else {
        copies.append((k, id))
      }
    }
    placeRest(source, made)
  }

  private func root(_ id: ValueID) -> ValueID {
    var id = id
    while let next = roots[id] { id = next }
    return id
  }

  private mutating func placeRest(_ source: CGraph, _ made: Set<ValueID>) {
    let graph = source.graph
    var first: [ValueID: Int] = [:]
    var last: [ValueID: Int] = [:]
    for (i, node) in graph.nodes.enumerated() {
      for case let id? in node.outputs where made.contains(id) && places[id] == nil {
        first[id] = i
        last[id] = i
      }
      for case let id? in node.inputs { last[root(id)] = i }
    }
    for (_, id) in copies { last[root(id)] = graph.nodes.count }
    let order = first.keys.sorted { $0.index < $1.index }
    let buffers = order.map { id in
      ArenaBuffer(
        bytes: max(source.value(id)?.type.byteCount ?? 0, 1), first: first[id] ?? 0,
        last: last[id] ?? 0)
    }
    let layout = ArenaLayout(buffers, alignment: 16)
    for (k, id) in order.enumerated() { places[id] = .arena(layout.offsets[k]) }
    arenaBytes = layout.total
  }

  func place(of id: ValueID) -> Place { places[root(id)] ?? .constant(root(id)) }
}
