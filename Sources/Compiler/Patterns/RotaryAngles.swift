import Graphs
import Operators
import Tensors

/// Cosines and sines as RotaryEmbedding takes them, each made once.
struct RotaryAngles {
  private var made: [ValueID: ValueID] = [:]

  /// The first half of cosines or sines along their last axis, `[N, S, E / 2]`, for heads of sizes
  /// `x`. Nil where the second half is not known to be the same, or where they do not fit.
  mutating func half(
    _ g: GraphEditor, _ v: ValueID, x: [Dim], at place: Int
  ) throws(EngineError) -> ValueID? {
    if let known = made[v] { return known }
    guard let dims = g.dims(v), let size = x[3].known, dims.last == x[3] else { return nil }
    var result: ValueID
    if let t = g.constant(v) {
      guard let half = try constant(t, x: x, size: size) else { return nil }
      result = g.addConstant(half)
    } else {
      // [N, 1, S, E], an axis put into [N, S, E]; N may be 1 for all entries of a batch.
      guard dims.count == 4, dims[1] == 1, dims[0] == x[0] || dims[0] == 1, dims[2] == x[2],
        isTwice(g, v, size),
        let node = g.maker(v), let inner = g.input(node, 0),
        g.dims(inner) == [dims[0], dims[2], dims[3]],
        g.node(node).op is Unsqueeze || g.node(node).op is Reshape
      else { return nil }
      let sizes = dims[0] == x[0] ? nil : try batch(g, x[0], at: place)
      if dims[0] != x[0] && sizes == nil { return nil }
      result = try g.addOne(
        Slice(),
        [
          inner, g.addConstant(try Tensor([0] as [Int64])),
          g.addConstant(try Tensor([Int64(size / 2)])), g.addConstant(try Tensor([2] as [Int64])),
        ], at: place)
      if let sizes { result = try g.addOne(Expand(), [result, sizes], at: place) }
    }
    made[v] = result
    return result
  }

  /// `[n, 1, 1]` as a value; nil where no input of the graph has the size `n`.
  private func batch(_ g: GraphEditor, _ n: Dim, at place: Int) throws(EngineError) -> ValueID? {
    if let n = n.known { return g.addConstant(try Tensor([Int64(n), 1, 1])) }
    for input in g.graph.inputs {
      guard let axis = g.dims(input)?.firstIndex(of: n) else { continue }
      let size = try g.addOne(ShapeOp(start: axis, end: axis + 1), [input], at: place)
      let ones = g.addConstant(try Tensor([1, 1] as [Int64]))
      return try g.addOne(Concat(axis: 0), [size, ones], at: place)
    }
    return nil
  }

  /// Whether `v` is an elementwise function of a value that was put twice along its last axis.
  private func isTwice(_ g: GraphEditor, _ v: ValueID, _ size: Int) -> Bool {
    var at = v
    for _ in 0..<8 {
      guard let node = g.maker(at), let x = g.input(node, 0), g.dims(at)?.last == Dim(size) else {
        return false
      }
      switch g.node(node).op {
      case is Cos, is Sin, is Cast, is Unsqueeze, is Identity: at = x
      case is Reshape: at = x
      case is Mul:
        guard let (x, _) = g.productWithScalar(at) else { return false }
        at = x
      case let op as Concat:
        let inputs = g.node(node).inputs
        let rank = g.dims(at)?.count ?? 0
        return (op.axis == -1 || op.axis == rank - 1) && inputs.count == 2
          && inputs[0] == inputs[1]
      default: return false
      }
    }
    return false
  }

  /// The first halves of the rows of a constant `[.., 1, S, E]` whose second halves are the same,
  /// repeated for each batch entry.
  private func constant(_ t: Tensor, x: [Dim], size: Int) throws(EngineError) -> Tensor? {
    guard t.dtype == .float32, let batch = x[0].known, let length = x[2].known,
      t.count == length * size, t.shape.rank >= 2, t.shape[t.shape.rank - 2] == length,
      t.shape[t.shape.rank - 1] == size
    else { return nil }
    let all = t.elements(Float.self)
    let half = size / 2
    var rows: [Float] = []
    for s in 0..<length {
      for j in 0..<half where all[s * size + j] != all[s * size + half + j] { return nil }
      for j in 0..<half { rows.append(all[s * size + j]) }
    }
    return try Tensor(
      shape: [batch, length, half], (0..<batch).flatMap { _ in rows })
  }
}
