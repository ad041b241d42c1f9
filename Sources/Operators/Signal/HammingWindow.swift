import Graphs
import Tensors

/// The Hamming window: `a - (1 - a) cos(2 pi i / n)` with `a = 25 / 46`.
///
/// Everything else is as `CosineWindow` says.
///
/// - Source: ONNX HammingWindow 17.
public struct HammingWindow: CosineWindow {
  public static let weights = (constant: 25.0 / 46, first: 21.0 / 46, second: 0.0)
  public let dtype: DType
  public let isPeriodic: Bool

  public static let schema = windowSchema("HammingWindow")

  public init(dtype: DType = .float32, isPeriodic: Bool = true) {
    self.dtype = dtype
    self.isPeriodic = isPeriodic
  }
}
