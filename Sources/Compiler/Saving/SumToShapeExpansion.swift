import Graphs
import Operators
import Tensors

extension SumToShape {
  /// The sum over the axes that were broadcast, and a change of shape; nil where sizes are open.
  func expand<B: Builder>(_ b: B, _ inputs: [B.Value?]) throws(EngineError) -> B.Value? {
    guard inputs.count == 2, let x = inputs[0], let like = inputs[1],
      let from = b.fact(of: x).dims, let to = b.fact(of: like).tensorType?.shape,
      from.count >= to.rank
    else { return nil }
    let added = from.count - to.rank
    let axes = from.indices.filter { $0 < added || (to[$0 - added] == 1 && from[$0].known != 1) }
    var sum = x
    if !axes.isEmpty {
      let list = try b.constant(Tensor(axes.map { Int64($0) }))
      sum = try b.apply(ReduceSum(ReduceAxes()), x, list)
    }
    guard added > 0 else { return sum }
    let sizes = try b.constant(Tensor(to.array.map { Int64($0) }))
    return try b.apply(Reshape(), sum, sizes)
  }
}
