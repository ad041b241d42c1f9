import Graphs
import Operators
import Tensors

/// Activations with parameters, for layers and operations alike.
extension LayerCall {
  /// `x Phi(x)`, exactly or by a tangent.
  func gelu(_ x: ValueID, isTanh: Bool) throws(EngineError) -> ValueID {
    if isTanh {
      let cube = try mul(try mul(x, try mul(x, x)), 0.044715)
      let inner = try b.apply(Tanh(), try mul(try add(x, cube), (2 / Double.pi).squareRoot()))
      return try mul(try mul(x, 0.5), try add(inner, 1))
    }
    let inner = try b.apply(Erf(), try div(x, 2.0.squareRoot()))
    return try mul(try mul(x, try add(inner, 1)), 0.5)
  }

  /// The first half of an axis times the sigmoid of the second.
  func glu(_ x: ValueID, axis place: Int) throws(EngineError) -> ValueID {
    let i = try axis(place, rank: try rank(x))
    let n = try size(x, i)
    guard n % 2 == 0 else { throw unsupported("glu needs an even size, received \(n)") }
    let halves = try split(x, axis: i, [n / 2, n / 2])
    return try mul(halves[0], try b.apply(Sigmoid(), halves[1]))
  }

  func squareplus(_ x: ValueID, _ c: Double) throws(EngineError) -> ValueID {
    try div(try add(x, try b.apply(Sqrt(), try add(try mul(x, x), c))), 2)
  }

  /// `x` above the threshold, else `value`.
  func threshold(
    _ x: ValueID, _ threshold: Double, _ value: Double
  ) throws(EngineError) -> ValueID {
    let test = try b.apply(Greater(), x, try number(threshold, like: x))
    return try select(test, x, try number(value, like: x))
  }

  /// Keras' sparsemax: `max(x - tau, 0)`.
  ///
  /// Over the sorted elements `s` with running sums `c`, the support are those with
  /// `s > (c - 1) / place`. `tau` is `(sum of c over the support - 1) / size of the support`, as
  /// Keras has it; the projection onto the simplex of Martins and Astudillo, 2016, would take the
  /// last `c` in place of their sum.
  func sparsemax(_ x: ValueID, axis place: Int) throws(EngineError) -> ValueID {
    let i = try axis(place, rank: try rank(x))
    let n = try size(x, i)
    let sorted = try b.apply(
      TopK(axis: i), inputs: [x, try b.ints([n])], outputs: 2)[0]
    let sums = try b.apply(CumSum(CumulativeOptions()), sorted, try b.scalar(i))
    var sides = [Int](repeating: 1, count: try rank(x))
    sides[i] = n
    let places = try b.constant(try Tensor(shape: Shape(sides), (1...n).map { Float($0) }))
    let k = try cast(places, to: b.dtype(x) ?? .float32)
    let bound = try div(try sub(sums, 1), k)
    let test = try b.apply(Greater(), sorted, bound)
    let support = try cast(test, to: b.dtype(x) ?? .float32)
    let count = try reduce(ReduceSum.self, support, [i], keepDims: true)
    let total = try reduce(ReduceSum.self, try mul(support, sums), [i], keepDims: true)
    let tau = try div(try sub(total, 1), count)
    return try b.apply(Relu(), try sub(x, tau))
  }

  /// Keras' relu with its three parameters.
  func relu(
    _ x: ValueID, slope: Double, threshold limit: Double, most: Double?
  ) throws(EngineError) -> ValueID {
    if slope != 0, most == nil, limit == 0 {
      return try b.apply(LeakyRelu(alpha: Float(slope)), x)
    }
    var y = x
    if limit != 0 {
      y = try threshold(x, limit, 0)
      if let most { y = try clip(y, 0, most) }
    } else if let most {
      y = try clip(x, 0, most)
    } else {
      y = try b.apply(Relu(), x)
    }
    guard slope != 0 else { return y }
    let negative = try b.apply(Relu(), limit == 0 ? try neg(x) : try add(try neg(x), limit))
    return try sub(y, try mul(negative, slope))
  }
}
