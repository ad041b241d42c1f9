import Graphs
import Kernels
import Tensors

// What the normalisations share.

let epsilonSpec = AttributeSpec("epsilon", .float, "added to the variance; default 1e-5")

/// The attribute `epsilon`.
func readEpsilon(_ a: AttributeReader) throws(EngineError) -> Float {
  try a.float("epsilon", default: 1e-5)
}

/// `epsilon` as a file carries it; the default is left out.
func epsilonAttribute(_ epsilon: Float) -> [Attribute] {
  epsilon == 1e-5 ? [] : [.float("epsilon", epsilon)]
}

/// Whether `p` has one element for each of `count` channels.
///
/// Errors: `.shape`.
func checkChannels(
  _ name: String, _ p: TensorType, _ count: Int
) throws(EngineError) {
  guard p.shape.count == count else {
    throw EngineError(
      .shape, "\(name) does not have one element a channel", expected: "\(count)",
      received: "\(p.shape)")
  }
}

/// Where elements of a parameter of shape `p` lie that broadcasts to `x`, split before `axis`.
/// Nil where they lie at the place within the row.
///
/// Errors: `.shape` where it does not broadcast.
func parameterPlaces(
  _ p: Shape, in x: Shape, axis: Int, name: String
) throws(EngineError) -> (row: Table, column: Table)? {
  let lead = x.rank - p.rank
  var fits = lead >= 0
  for i in 0..<p.rank where fits && p[i] != 1 && p[i] != x[lead + i] { fits = false }
  guard fits else {
    throw EngineError(
      .shape, "\(name) does not broadcast to the input", expected: "a shape that fits \(x)",
      received: "\(p)")
  }
  if p.count == x.count(of: axis..<x.rank), p.count(of: 0..<max(0, axis - lead)) == 1 {
    return nil
  }
  let own = p.strides
  let strides = (0..<x.rank).map { (i: Int) -> Int in
    i < lead || p[i - lead] == 1 ? 0 : own[i - lead]
  }
  let sizes = x.array
  return (
    Table(sizes: Array(sizes[..<axis]), strides: Array(strides[..<axis])),
    Table(sizes: Array(sizes[axis...]), strides: Array(strides[axis...]))
  )
}

/// float32 or float64, and the same for all of `inputs`.
func commonReal(_ p: Preparation, _ inputs: Range<Int>) throws(EngineError) -> DType {
  let dtype = try p.input(inputs.lowerBound).dtype
  guard dtype == .float32 || dtype == .float64 else { throw p.noKernel() }
  for i in inputs where p.has(i) {
    guard try p.input(i).dtype == dtype else { throw p.noKernel() }
  }
  return dtype
}

/// `x` brought to zero mean and unit variance over `axes`, and the moments, for formulas.
func normalised<B: Builder>(
  _ b: B, _ x: B.Value, _ axes: [Int], epsilon: Double
) throws(EngineError) -> (y: B.Value, mean: B.Value, inverse: B.Value) {
  let center = try mean(b, x, axes)
  let distance = try minus(b, x, center)
  let variance = try mean(b, times(b, distance, distance), axes)
  let inverse = try b.apply(Reciprocal(), b.apply(Sqrt(), plus(b, variance, epsilon)))
  return (try times(b, distance, inverse), center, inverse)
}
