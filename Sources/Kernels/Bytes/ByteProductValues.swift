import Tensors

/// The numbers of one run of a product of bytes: scales, zero points and what else enters a result.
///
/// From the sum `t` of codes less their zero points, in this order: `t + extra`, times
/// `factor * scale / divisor`, rounded by `rounding`, plus `bias`, the plan's function, plus the
/// residual, and codes of `y` of it.
public struct ByteProductValues {
  /// What a result is.
  public enum Output {
    /// The sum itself.
    case sums
    case floats
    /// Codes for a scale; `isSettled` where the factors already divide by it.
    case codes(ByteScale, isSigned: Bool, isSettled: Bool)
  }
  /// What is added to a result.
  public enum Residual {
    case none
    case floats(UnsafeRawPointer)
    case codes(UnsafeRawPointer, ByteScale, isSigned: Bool)
  }

  public var aZero: Int32 = 0
  /// Zero points of B, of B's type; `bZeroStep` 0 for one, 1 for one a column.
  public var bZeros: UnsafeRawPointer?
  public var bZeroStep = 0
  public var factor: Float = 1
  public var scales: UnsafePointer<Float>?
  public var scaleStep = 0
  public var divisor: Float = 1
  public var extra: UnsafePointer<Int32>?
  public var extraStep = 0
  public var bias: UnsafePointer<Float>?
  public var rounding: (scale: ByteScale, isSigned: Bool)?
  public var residual = Residual.none
  public var output = Output.sums
  public init() {}
}
