import Graphs
import Tensors

/// The Blackman window: `0.42 - 0.5 cos(2 pi i / n) + 0.08 cos(4 pi i / n)`.
///
/// Everything else is as `CosineWindow` says.
///
/// - Source: ONNX BlackmanWindow 17.
public struct BlackmanWindow: CosineWindow {
  public static let weights = (constant: 0.42, first: 0.5, second: 0.08)
  public let dtype: DType
  public let isPeriodic: Bool

  public static let schema = windowSchema("BlackmanWindow")

  public init(dtype: DType = .float32, isPeriodic: Bool = true) {
    self.dtype = dtype
    self.isPeriodic = isPeriodic
  }
}
