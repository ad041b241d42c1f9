import Graphs
import Kernels
import Tensors

extension Reduce {
  /// The axes folded, and whether none is.
  ///
  /// Errors: `.notDifferentiable` where the rank or the axes are not known.
  private func foldedAxes<B: Builder>(
    _ b: B, _ g: Backward<B.Value>
  ) throws(EngineError) -> [Int] {
    let rank = try knownRank(b, g.input(0))
    var given: [Int]?
    if g.has(1) {
      let fact = b.fact(of: try g.input(1))
      given = fact.dims?.first?.known == 0 ? [] : fact.knownInts
      if given == nil {
        throw EngineError(.notDifferentiable, "the axes of a reduction are not known")
      }
    }
    let mask = try axes.mask(rank: rank, given: given)
    return mask.indices.filter { mask[$0] }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    let folded = try foldedAxes(b, g)
    func kept(_ v: B.Value) throws(EngineError) -> B.Value {
      axes.keepDims || folded.isEmpty ? v : try b.apply(Unsqueeze(axes: folded), v)
    }
    let up = try kept(g.upstream())
    switch (Self.fold, Self.finish) {
    case (.sum, .none): g.give(0, try expand(b, up, like: x))
    case (.sum, .mean): g.give(0, try expand(b, over(b, up, count(b, x, folded)), like: x))
    case (.sum, _): g.give(0, try expand(b, over(b, up, b.apply(Exp(), kept(g.output))), like: x))
    case (.sumOfMagnitudes, _): g.give(0, try times(b, up, b.apply(Sign(), x)))
    case (.sumOfSquares, .squareRoot):
      // Where the norm is 0 so is every element.
      g.give(0, try times(b, x, over(b, up, nonzero(b, kept(g.output)))))
    case (.sumOfSquares, _): g.give(0, try times(b, times(b, up, 2), x))
    case (.logSumExp, _):
      let share = try b.apply(Exp(), minus(b, x, kept(g.output)))
      g.give(0, try times(b, up, share))
    case (.max, _), (.min, _):
      // All that tie share alike.
      let mask = try cast(b, b.apply(Equal(), x, kept(g.output)), like: x)
      g.give(0, try times(b, mask, over(b, up, sum(b, mask, folded))))
    case (.product, _): g.give(0, try times(b, up, others(b, x, folded)))
    }
  }

  /// How many elements are folded into one, as a scalar like `x`.
  private func count<B: Builder>(
    _ b: B, _ x: B.Value, _ folded: [Int]
  ) throws(EngineError) -> B.Value {
    guard let dims = b.fact(of: x).dims else { return try scalar(b, 1, like: x) }
    if let n = folded.map({ dims[$0] }).product.known { return try scalar(b, Double(n), like: x) }
    var n = try scalar(b, 1, like: x)
    for axis in folded { n = try times(b, n, realSize(b, x, axis, like: x)) }
    return n
  }

  /// For each element of `x` the product of all others that are folded with it.
  private func others<B: Builder>(
    _ b: B, _ x: B.Value, _ folded: [Int]
  ) throws(EngineError) -> B.Value {
    if folded.isEmpty { return try plus(b, times(b, x, 0), 1) }
    let rank = try knownRank(b, x)
    let perm = (0..<rank).filter { !folded.contains($0) } + folded
    let turned = try b.apply(Transpose(perm: perm), x)
    let kept = [Int](repeating: 0, count: rank - folded.count)
    let rows = folded.count == 1 ? turned : try reshape(b, turned, kept + [-1])
    let last = try b.constant(Tensor(scalar: Int64(kept.count)))
    let before = try b.apply(CumProd(CumulativeOptions(isExclusive: true)), rows, last)
    let behind = try b.apply(
      CumProd(CumulativeOptions(isExclusive: true, isReverse: true)), rows, last)
    let product = try reshape(b, times(b, before, behind), like: turned)
    let back = (0..<rank).map { axis in perm.firstIndex(of: axis) ?? axis }
    return try b.apply(Transpose(perm: back), product)
  }
}
