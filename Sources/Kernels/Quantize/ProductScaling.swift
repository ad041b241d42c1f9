import Tensors

/// `y = sum * factor + bias` over rows of int32 sums: products of codes as real numbers.
public enum ProductScaling {
  /// One row of `n`. `step` is 0 for one factor, 1 for one an element. `bias` may be nil.
  public static func run(
    _ sums: UnsafePointer<Int32>, _ n: Int, _ factors: UnsafePointer<Float>, step: Int,
    bias: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>
  ) {
    if let bias {
      for i in 0..<n { y[i] = Float(sums[i]) * factors[i &* step] + bias[i] }
    } else {
      for i in 0..<n { y[i] = Float(sums[i]) * factors[i &* step] }
    }
  }

  /// Adds to each of `n` sums an addend whose neighbours are `step` apart, modulo 2^32.
  public static func add(
    _ addend: UnsafePointer<Int32>, step: Int, to sums: UnsafeMutablePointer<Int32>, _ n: Int
  ) {
    for i in 0..<n { sums[i] = sums[i] &+ addend[i &* step] }
  }
}
