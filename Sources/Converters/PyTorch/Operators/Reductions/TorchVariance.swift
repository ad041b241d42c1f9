import Graphs
import Operators
import Tensors

/// Variances and standard deviations.
enum TorchVariance {
  static let operators: [TorchOperator] = [
    .one("aten.var.correction") { (c) throws(EngineError) in try variance(c).0 },
    .one("aten.var.dim") { (c) throws(EngineError) in try variance(c).0 },
    .one("aten.var.default") { (c) throws(EngineError) in try variance(c).0 },
    .one("aten.std.correction") { (c) throws(EngineError) in try root(c, try variance(c).0) },
    .one("aten.std.dim") { (c) throws(EngineError) in try root(c, try variance(c).0) },
    .one("aten.std.default") { (c) throws(EngineError) in try root(c, try variance(c).0) },
    TorchOperator("aten.var_mean.correction") { (c) throws(EngineError) in
      let (variance, mean) = try variance(c)
      return [.tensor(variance), .tensor(mean)]
    },
    TorchOperator("aten.var_mean.dim") { (c) throws(EngineError) in
      let (variance, mean) = try variance(c)
      return [.tensor(variance), .tensor(mean)]
    },
    TorchOperator("aten.std_mean.correction") { (c) throws(EngineError) in
      let (variance, mean) = try variance(c)
      return [.tensor(try root(c, variance)), .tensor(mean)]
    },
  ]

  private static func root(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> ValueID {
    try c.builder.apply(Sqrt(), x)
  }

  /// The sum of squared distances from the mean, over the count less the correction; and the mean.
  private static func variance(_ c: TorchCall) throws(EngineError) -> (ValueID, ValueID) {
    let x = try c.x()
    let rank = try c.rank(x)
    var axes: [Int] = []
    for axis in try c.ints("dim") ?? [] { axes.append(try c.axis(axis, rank)) }
    if axes.isEmpty { axes = Array(0..<rank) }
    let keepDims = try c.bool("keepdim", false)
    let correction =
      c.has("unbiased")
      ? (try c.bool("unbiased", true) ? 1 : 0) : try c.double("correction", 1)
    let mean = try TorchReduction.reduced(c, x, axes, true) { ReduceMean($0) }
    let apart = try c.sub(x, mean)
    let square = try c.mul(apart, apart)
    let plain = try TorchReduction.reduced(c, square, axes, keepDims) { ReduceMean($0) }
    let shownMean = keepDims ? mean : try c.squeezed(mean, axes)
    if correction == 0 { return (plain, shownMean) }
    let dims = try c.dims(x)
    let count = axes.map { dims[$0] }.product
    if let n = count.known {
      let factor = Double(n) / Swift.max(0, Double(n) - correction)
      return (try c.mul(plain, factor), shownMean)
    }
    // The count is only known when the model runs.
    var size = try c.builder.scalar(1)
    for axis in axes {
      size = try c.mul(size, try c.unsqueezed(try c.vector(try c.size(of: x, axis))))
    }
    let n = try c.cast(size, try c.dtype(of: x))
    let free = try c.builder.apply(
      Max(), try c.add(n, -correction), try c.constant(0, like: n))
    return (try c.mul(plain, try c.div(n, free)), shownMean)
  }
}
