import Graphs
import Operators
import Tensors

/// A layer normalisation as `x s + (shift - mean s)`, `s = gain / sqrt(variance + epsilon)`: what
/// Keras writes.
struct FactoredNorm {
  let x: ValueID
  let gain: ValueID
  let shift: ValueID
  let axis: Int
  let epsilon: Double
  let nodes: Set<Int>

  /// What node `root`, the sum of `product` and `rest`, is; nil where it is none.
  static func find(
    _ g: GraphEditor, _ root: Int, _ product: ValueID, _ rest: ValueID
  ) -> FactoredNorm? {
    guard let (sub, _) = g.made(rest, by: Sub.self), let shift = g.input(sub, 0),
      let taken = g.input(sub, 1), let outer = g.maker(product), let inner = g.maker(taken)
    else { return nil }
    for (x, s) in g.pairs(product, Mul.self) {
      for (m, own) in g.pairs(taken, Mul.self) where own == s {
        guard let (mean, source, axis) = Normalized.mean(g, m), source == x,
          let scale = g.maker(s)
        else { continue }
        for (gain, r) in g.pairs(s, Mul.self) {
          guard let (sum, roots) = Normalized.inverseRoot(g, r),
            let (variance, epsilon) = g.sumWithScalar(sum), epsilon >= 0, let add = g.maker(sum),
            let (second, square, own) = Normalized.mean(g, variance), own == axis,
            let (d, power) = Normalized.square(g, square),
            let dims = g.dims(x), dims.count >= -axis
          else { continue }
          var all = roots.union([root, sub, outer, inner, scale, mean, add, second, power])
          guard Normalized.centered(g, d, axis, &all) == x,
            g.dims(gain) == Array(dims.suffix(-axis)), g.dims(shift) == g.dims(gain)
          else { continue }
          return FactoredNorm(
            x: x, gain: gain, shift: shift, axis: axis, epsilon: epsilon, nodes: all)
        }
      }
    }
    return nil
  }
}
