import Graphs
import Tensors

/// The Hann window: `0.5 - 0.5 cos(2 pi i / n)`.
///
/// Everything else is as `CosineWindow` says.
///
/// - Source: ONNX HannWindow 17.
public struct HannWindow: CosineWindow {
  public static let weights = (constant: 0.5, first: 0.5, second: 0.0)
  public let dtype: DType
  public let isPeriodic: Bool

  public static let schema = windowSchema("HannWindow")

  public init(dtype: DType = .float32, isPeriodic: Bool = true) {
    self.dtype = dtype
    self.isPeriodic = isPeriodic
  }
}
