import CKernels
import Tensors

/// What is done to finished elements of a product while they are in cache:
/// `y = f(y) + residual`.
public struct GemmPost: Sendable {
  let function: UnaryKernel?
  /// Elements between rows of the residual; nil where there is none.
  let residualRow: Int?

  /// - `function`: nil for none.
  ///
  /// Nil where `dtype` is neither float32 nor float64.
  public init?(_ dtype: DType, function: UnaryKernel?, residualRow: Int?) {
    guard dtype == .float32 || dtype == .float64 else { return nil }
    self.function = function
    self.residualRow = residualRow
  }
}
