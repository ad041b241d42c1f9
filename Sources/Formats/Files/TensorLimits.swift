import Tensors

/// What a file of tensors may ask for before it is refused.
public struct TensorLimits: Sendable {
  /// The most bytes that compressed or textual data in one file may become.
  public var bytes = 16 << 30
  /// The most tensors or members in one file.
  public var members = 100_000
  /// The deepest nesting of JSON.
  public var depth = 100

  public init() {}

  /// The bytes of a tensor from a file, against the budget.
  ///
  /// Errors: `.shape` for an illegal shape, `.budget` for one that is too large.
  func check(_ dtype: DType, _ dims: [Int]) throws(EngineError) -> TensorType {
    let type = TensorType(dtype, try Shape(checking: dims))
    let (bits, overflow) = type.count.multipliedReportingOverflow(by: max(dtype.bits, 8))
    guard !overflow, bits / 8 <= bytes else {
      throw EngineError(
        .budget, "a tensor of \(type) is too large", expected: "at most \(bytes) bytes")
    }
    return type
  }
}
