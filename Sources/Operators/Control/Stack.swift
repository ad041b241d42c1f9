import Graphs
import Tensors

/// Tensors of one type, collected over iterations and stacked along a new axis.
struct Stack {
  private(set) var parts: [Tensor] = []

  mutating func append(_ t: Tensor, _ e: Evaluation) throws(EngineError) {
    if let first = parts.first, first.type != t.type {
      throw EngineError(
        .shape, "a scan output changes its type between iterations", expected: "\(first.type)",
        received: "\(t.type)")
    }
    parts.append(t)
  }

  /// `[N] + shape`, or the new axis at `axis`; in reverse order when asked.
  func stacked(
    _ e: Evaluation, emptyLike fact: Fact, axis: Int = 0, reversed: Bool = false
  ) throws(EngineError) -> Tensor {
    let list = reversed ? Array(parts.reversed()) : parts
    guard let first = list.first else {
      // No iteration ran: unknown sizes count as 0.
      let dims = (fact.dims ?? []).map { $0.known ?? 0 }
      let shape = try Shape(checking: [0] + dims)
      if fact.dtype == .string { return Tensor(Storage(shape, strings: [])) }
      return Tensor(try e.allocate(TensorType(fact.dtype ?? .float32, shape)))
    }
    var dims = first.shape.array
    let at = try normalisedAxis(axis, rank: dims.count + 1)
    dims.insert(list.count, at: at)
    let shape = try Shape(checking: dims)
    let outer = first.shape.count(of: 0..<at)
    if first.dtype == .string {
      let inner = first.shape.count(of: at..<first.shape.rank)
      var strings: [String] = []
      for o in 0..<outer {
        for t in list { strings += t.strings[(o * inner)..<((o + 1) * inner)] }
      }
      return Tensor(Storage(shape, strings: strings))
    }
    guard !first.dtype.isPacked || (outer == 1 && first.count * first.dtype.bits % 8 == 0) else {
      throw EngineError(.dtype, "packed elements cannot be stacked", received: "\(first.type)")
    }
    let out = try e.allocate(TensorType(first.dtype, shape))
    let inner = first.byteCount / max(1, outer)
    for o in 0..<outer {
      for (k, t) in list.enumerated() {
        (out.bytes + (o * list.count + k) * inner).copyMemory(
          from: t.storage.bytes + o * inner, byteCount: inner)
      }
    }
    return Tensor(out)
  }
}
