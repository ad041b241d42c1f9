import Graphs
import Tensors

extension FusedAttention {
  /// `y` with NaN in place of results of queries of which the mask hides every key, by operators of
  /// ONNX: the sum of a number for each key, infinite less infinite where all are -inf.
  ///
  /// Errors: those of the operators.
  func spoiled<B: Builder>(
    _ b: B, _ y: B.Value, _ mask: B.Value
  ) throws(EngineError) -> B.Value {
    var numbers = mask
    if b.fact(of: mask).dtype == .bool {
      let shown = try b.apply(CastLike(), b.constant(Tensor(scalar: Float(0))), y)
      let hidden = try b.apply(CastLike(), b.constant(Tensor(scalar: -Float.infinity)), y)
      numbers = try b.apply(Where(), mask, shown, hidden)
    } else {
      numbers = try b.apply(CastLike(), mask, y)
    }
    let axis = try b.constant(Tensor([-1] as [Int64]))
    // [..., S, 1]: 0, or NaN where the largest is -inf.
    let top = try b.apply(ReduceMax(ReduceAxes()), numbers, axis)
    let spoil = try b.apply(Sub(), top, top)
    if b.fact(of: y).rank == 4 { return try b.apply(Add(), y, spoil) }
    // Heads beside each other: [N, H, S, Ev] for the sum.
    var split = y
    if isSequenceFirst { split = try b.apply(Transpose(perm: [1, 0, 2]), split) }
    let sizes = [0, 0, Int64(queryHeads), Int64(places[2].size)]
    split = try b.apply(Reshape(), split, b.constant(Tensor(sizes)))
    split = try b.apply(Transpose(perm: [0, 2, 1, 3]), split)
    split = try b.apply(Add(), split, spoil)
    split = try b.apply(Transpose(perm: [0, 2, 1, 3]), split)
    let merged = [0, 0, Int64(queryHeads * places[2].size)]
    split = try b.apply(Reshape(), split, b.constant(Tensor(merged)))
    return isSequenceFirst ? try b.apply(Transpose(perm: [1, 0, 2]), split) : split
  }
}
