import Operators
import Tensors

extension Tensor {
  /// How many inputs and outputs a weight connects: `[in, out]`, or for convolutions
  /// `[out, in, ...]` with the kernel's places counted.
  private static func fans(_ sizes: [Int], outFirst: Bool) -> (in: Double, out: Double) {
    guard sizes.count >= 2 else {
      let n = Double(sizes.first ?? 1)
      return (n, n)
    }
    if sizes.count == 2 {
      return outFirst
        ? (Double(sizes[1]), Double(sizes[0])) : (Double(sizes[0]), Double(sizes[1]))
    }
    let field = Double(sizes.dropFirst(2).reduce(1, *))
    return (Double(sizes[1]) * field, Double(sizes[0]) * field)
  }

  /// Uniform in `±sqrt(6 / (in + out))`. Glorot and Bengio 2010; Keras' default for Dense.
  ///
  /// - `outFirst`: whether a matrix is `[out, in]`, as torch stores it, and not `[in, out]`.
  public static func glorotUniform(
    _ sizes: [Int], outFirst: Bool = false, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let f = fans(sizes, outFirst: outFirst)
    let bound = (6 / (f.in + f.out)).squareRoot()
    return try uniform(sizes, from: -bound, to: bound, dtype: dtype)
  }

  /// Normal with variance `2 / (in + out)`, truncated at two deviations.
  public static func glorotNormal(
    _ sizes: [Int], outFirst: Bool = false, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let f = fans(sizes, outFirst: outFirst)
    return try scaledNormal(sizes, 2 / (f.in + f.out), dtype)
  }

  /// Uniform in `±sqrt(6 / in)`. He et al. 2015.
  public static func heUniform(
    _ sizes: [Int], outFirst: Bool = false, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let bound = (6 / fans(sizes, outFirst: outFirst).in).squareRoot()
    return try uniform(sizes, from: -bound, to: bound, dtype: dtype)
  }

  /// Normal with variance `2 / in`, truncated at two deviations.
  public static func heNormal(
    _ sizes: [Int], outFirst: Bool = false, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    try scaledNormal(sizes, 2 / fans(sizes, outFirst: outFirst).in, dtype)
  }

  /// Uniform in `±sqrt(3 / in)`.
  public static func lecunUniform(
    _ sizes: [Int], outFirst: Bool = false, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let bound = (3 / fans(sizes, outFirst: outFirst).in).squareRoot()
    return try uniform(sizes, from: -bound, to: bound, dtype: dtype)
  }

  /// Normal with variance `1 / in`, truncated at two deviations.
  public static func lecunNormal(
    _ sizes: [Int], outFirst: Bool = false, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    try scaledNormal(sizes, 1 / fans(sizes, outFirst: outFirst).in, dtype)
  }

  /// Uniform in `±1 / sqrt(in)`: torch's default for weights and biases of linear layers.
  public static func torchUniform(
    _ sizes: [Int], inputs: Int, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let bound = 1 / Double(Swift.max(inputs, 1)).squareRoot()
    return try uniform(sizes, from: -bound, to: bound, dtype: dtype)
  }

  /// The variance that remains after truncation at two deviations is made up for, as in Keras.
  private static func scaledNormal(
    _ sizes: [Int], _ variance: Double, _ dtype: DType
  ) throws(EngineError) -> Tensor {
    try truncatedNormal(
      sizes, deviation: variance.squareRoot() / 0.87962566103423978, dtype: dtype)
  }

  /// A matrix with orthonormal rows or columns, whichever are fewer, times `gain`: the first axis
  /// against all others. Saxe et al. 2013; by Gram and Schmidt's process, run twice, on normal
  /// draws.
  public static func orthogonal(
    _ sizes: [Int], gain: Double = 1, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    guard sizes.count >= 2 else {
      throw EngineError(
        .shape, "an orthogonal tensor has too few axes", expected: "2 or more",
        received: "\(sizes)")
    }
    let rows = sizes[0]
    let columns = sizes.dropFirst().reduce(1, *)
    let (vectors, length) = (Swift.min(rows, columns), Swift.max(rows, columns))
    let draws = try normal([vectors, length], dtype: .float64).values(as: Double.self)
    var list = (0..<vectors).map { Array(draws[$0 * length..<($0 + 1) * length]) }
    for i in 0..<vectors {
      for _ in 0..<2 {
        for j in 0..<i {
          var product = 0.0
          for k in 0..<length { product += list[i][k] * list[j][k] }
          for k in 0..<length { list[i][k] -= product * list[j][k] }
        }
      }
      var square = 0.0
      for x in list[i] { square += x * x }
      for k in 0..<length { list[i][k] *= gain / square.squareRoot() }
    }
    var values = [Double](repeating: 0, count: rows * columns)
    for r in 0..<rows {
      for c in 0..<columns {
        values[r * columns + c] = rows <= columns ? list[r][c] : list[c][r]
      }
    }
    let made = try Tensor(shape: Shape(checking: sizes), values)
    return try made.cast(to: dtype)
  }
}
