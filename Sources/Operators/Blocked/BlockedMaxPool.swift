import Graphs
import Kernels
import Tensors

/// MaxPool on an image in the blocked layout, without places.
///
/// - `X`: float32 `[N, C / block, H, W, block]`, block 8 or 16.
/// - Attributes: `kernel_shape`, `strides`, `dilations`, `pads`, `auto_pad`, `ceil_mode` as in
///   `Window`.
/// - Errors, edges: as MaxPool.
/// - Accuracy: exact.
/// - Source: domain ai.dlrun 1; ONNX MaxPool between changes of layout.
public struct BlockedMaxPool: BlockedPooling {
  public let window: Window

  public static let schema = Schema(
    "BlockedMaxPool", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types)], outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: poolSpecs,
    cases: {
      let x = try Eager().apply(ToBlocked(block: 8), BlockedLayout.example())
      return [
        .init(BlockedMaxPool(Window(kernel: [2, 2], strides: [2, 2])), [x]),
        .init(
          BlockedMaxPool(
            Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])), [x]),
      ]
    })

  public init(_ window: Window) { self.window = window }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
  }
  public var attributes: [Attribute] { window.attributes }
  public var plain: MaxPool { MaxPool(window) }

  public func kernel(
    _ axes: BlockedWindow.Axes, _ settled: Window.Concrete, batch: Int, blocks: Int, lanes: Int,
    threads: Int
  ) throws(EngineError) -> BlockedWindow {
    try BlockedWindow(max: axes, batch: batch, blocks: blocks, lanes: lanes, threads: threads)
  }
}
