import Tensors

/// What is done to folded values in place.
public enum FoldFinish: Sendable {
  case none
  /// By the number of folded elements; integers towards zero, 0 where there were none.
  case divide
  case squareRoot, logarithm

  public static func run(
    _ step: FoldFinish, _ dtype: DType, _ y: UnsafeMutableRawPointer, count: Int, divisor: Int
  ) {
    if step == .none { return }
    switch dtype {
    case .float32: real(step, y.assumingMemoryBound(to: Float.self), count, divisor)
    case .float64: real(step, y.assumingMemoryBound(to: Double.self), count, divisor)
    case .int8: divide(y.assumingMemoryBound(to: Int8.self), count, divisor)
    case .int16: divide(y.assumingMemoryBound(to: Int16.self), count, divisor)
    case .int32: divide(y.assumingMemoryBound(to: Int32.self), count, divisor)
    case .int64: divide(y.assumingMemoryBound(to: Int64.self), count, divisor)
    case .uint8: divide(y.assumingMemoryBound(to: UInt8.self), count, divisor)
    case .uint16: divide(y.assumingMemoryBound(to: UInt16.self), count, divisor)
    case .uint32: divide(y.assumingMemoryBound(to: UInt32.self), count, divisor)
    case .uint64: divide(y.assumingMemoryBound(to: UInt64.self), count, divisor)
    default: preconditionFailure("no division of \(dtype)")
    }
  }

  private static func real<T: Real>(
    _ step: FoldFinish, _ y: UnsafeMutablePointer<T>, _ count: Int, _ divisor: Int
  ) {
    switch step {
    case .none: break
    case .divide:
      let d = T(divisor)
      for i in 0..<count { y[i] /= d }
    case .squareRoot: for i in 0..<count { y[i] = y[i].squareRoot() }
    case .logarithm: for i in 0..<count { y[i] = T.logarithm(y[i]) }
    }
  }

  private static func divide<T: FixedWidthInteger>(
    _ y: UnsafeMutablePointer<T>, _ count: Int, _ divisor: Int
  ) {
    for i in 0..<count {
      // A divisor beyond the type's range exceeds every magnitude.
      guard let d = T(exactly: divisor), d != 0 else {
        y[i] = 0
        continue
      }
      y[i] = y[i] / d
    }
  }

  /// Integers as doubles, rounded to nearest.
  public static func toDouble(
    _ dtype: DType, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, count: Int
  ) {
    visitNumeral(
      dtype, ToDouble(x: x, y: y.assumingMemoryBound(to: Double.self), count: count))
  }

  /// Doubles truncated to integers, saturating.
  public static func fromDouble(
    _ dtype: DType, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, count: Int
  ) {
    visitNumeral(
      dtype, FromDouble(x: x.assumingMemoryBound(to: Double.self), y: y, count: count))
  }

  private struct ToDouble: NumeralVisitor {
    let x: UnsafeRawPointer
    let y: UnsafeMutablePointer<Double>
    let count: Int
    func visit<T: Numeral>(_: T.Type) {
      let x = x.assumingMemoryBound(to: T.self)
      for i in 0..<count { y[i] = x[i].double }
    }
  }

  private struct FromDouble: NumeralVisitor {
    let x: UnsafePointer<Double>
    let y: UnsafeMutableRawPointer
    let count: Int
    func visit<T: Numeral>(_: T.Type) {
      let y = y.assumingMemoryBound(to: T.self)
      for i in 0..<count { y[i] = T(truncating: x[i]) }
    }
  }
}
