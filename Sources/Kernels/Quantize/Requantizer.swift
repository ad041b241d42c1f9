import Tensors

/// `y = saturate(round(sum * multiplier) + zero)`: sums of products as quantised elements.
public struct Requantizer: Sendable {
  private let target: QuantTarget

  /// Nil for dtypes that nothing is quantised to, and for packed ones.
  public init?(_ dtype: DType) {
    guard let target = QuantTarget(dtype), !target.isPacked else { return nil }
    self.target = target
  }

  /// The zero point at `p`.
  public func zero(_ p: UnsafeRawPointer) -> Float {
    switch target.dtype {
    case .int8: Float(p.load(as: Int8.self))
    case .uint8: Float(p.load(as: UInt8.self))
    default: target.float?.decode(p.load(as: UInt8.self)) ?? 0
    }
  }

  /// Writes elements `at` to `at + n` of `y`. `step` is 0 for one multiplier, 1 for one an element.
  public func run(
    _ sums: UnsafePointer<Int32>, _ n: Int, bias: Int32 = 0, _ multiplier: UnsafePointer<Float>,
    step: Int, zero: Float, _ y: UnsafeMutableRawPointer, at: Int
  ) {
    switch target.dtype {
    case .int8:
      integers(sums, n, bias, multiplier, step, zero, y.assumingMemoryBound(to: Int8.self) + at)
    case .uint8:
      integers(sums, n, bias, multiplier, step, zero, y.assumingMemoryBound(to: UInt8.self) + at)
    default:
      for i in 0..<n {
        let v = Float(sums[i] &+ bias) * multiplier[i * step]
        target.write(Double(v), zero: Double(zero), y, at + i)
      }
    }
  }

  /// As above, for sums in float32.
  public func run(
    _ sums: UnsafePointer<Float>, _ n: Int, _ multiplier: UnsafePointer<Float>, step: Int,
    zero: Float, _ y: UnsafeMutableRawPointer, at: Int
  ) {
    for i in 0..<n {
      target.write(Double(sums[i] * multiplier[i * step]), zero: Double(zero), y, at + i)
    }
  }

  private func integers<T: FixedWidthInteger>(
    _ sums: UnsafePointer<Int32>, _ n: Int, _ bias: Int32, _ multiplier: UnsafePointer<Float>,
    _ step: Int, _ zero: Float, _ y: UnsafeMutablePointer<T>
  ) {
    let (low, high) = (Float(target.range.low) - zero, Float(target.range.high) - zero)
    let whole = nearestInteger(zero)
    for i in 0..<n {
      let q = Float(sums[i] &+ bias) * multiplier[i &* step]
      let v = q > low ? (q < high ? q : high) : low
      y[i] = T(truncatingIfNeeded: nearestInteger(v) &+ whole)
    }
  }

  /// `a * b / y`, each step rounded to the scales' type.
  public static func multiplier(_ a: Double, _ b: Double, _ y: Double, _ dtype: DType) -> Float {
    switch dtype {
    case .float16:
      return Float(Float16(Float(Float16(Float(a) * Float(b))) / Float(y)))
    case .bfloat16:
      return BFloat16(BFloat16(Float(a) * Float(b)).float / Float(y)).float
    default: return Float(a) * Float(b) / Float(y)
    }
  }
}
