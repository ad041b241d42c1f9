import Graphs
import Tensors

/// The product of two inputs `[..., 2]` of complex numbers, the second conjugated or not.
///
/// Errors: `.shape` where the last size is not 2.
func complexProduct<B: Builder>(
  _ b: B, _ inputs: Few<B.Value?>, conjugates: Bool
) throws(EngineError) -> B.Value {
  guard inputs.count == 2, let x = inputs[0], let y = inputs[1] else {
    throw EngineError(.arity, "an input is missing")
  }
  for v in [x, y] {
    guard let dims = b.fact(of: v).dims else { continue }
    guard let last = dims.last, last.known == nil || last.known == 2 else {
      throw EngineError(
        .shape, "an input holds no pairs of real and imaginary parts", expected: "[..., 2]",
        received: "\(dims)")
    }
  }
  let sizes = try b.constant(Tensor([1, 1] as [Int64]))
  let u = try b.apply(Split(axis: -1), inputs: [x, sizes], outputs: 2)
  let v = try b.apply(Split(axis: -1), inputs: [y, sizes], outputs: 2)
  let (rr, ii) = (try times(b, u[0], v[0]), try times(b, u[1], v[1]))
  let (ri, ir) = (try times(b, u[0], v[1]), try times(b, u[1], v[0]))
  return try b.apply(
    Concat(axis: -1), conjugates ? plus(b, rr, ii) : minus(b, rr, ii),
    conjugates ? minus(b, ir, ri) : plus(b, ri, ir))
}
