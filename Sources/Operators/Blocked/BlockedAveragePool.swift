import Graphs
import Kernels
import Tensors

/// AveragePool on an image in the blocked layout.
///
/// - `X`: float32 `[N, C / block, H, W, block]`, block 8 or 16.
/// - Attributes: those of AveragePool.
/// - Errors, edges: as AveragePool.
/// - Source: domain ai.dlrun 1; ONNX AveragePool between changes of layout.
public struct BlockedAveragePool: BlockedPooling {
  public let window: Window
  public let countsPads: Bool

  public static let schema = Schema(
    "BlockedAveragePool", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", BlockedLayout.types)], outputs: [Parameter("Y", BlockedLayout.types)],
    attributes: poolSpecs + [
      AttributeSpec("count_include_pad", .int, "1: pads count as zeros; default 0")
    ],
    cases: {
      let x = try Eager().apply(ToBlocked(block: 8), BlockedLayout.example())
      let padded = Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
      return [
        .init(BlockedAveragePool(Window(kernel: [2, 2])), [x]),
        .init(BlockedAveragePool(padded), [x]),
        .init(BlockedAveragePool(padded, countsPads: true), [x]),
      ]
    })

  public init(_ window: Window, countsPads: Bool = false) {
    self.window = window
    self.countsPads = countsPads
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
    countsPads = try a.bool("count_include_pad", default: false)
  }
  public var attributes: [Attribute] { plain.attributes }
  public var plain: AveragePool { AveragePool(window, countsPads: countsPads) }

  public func kernel(
    _ axes: BlockedWindow.Axes, _ settled: Window.Concrete, batch: Int, blocks: Int, lanes: Int,
    threads: Int
  ) throws(EngineError) -> BlockedWindow {
    var counts: [Int] = []
    for i in 0...1 {
      let (before, behind) = countsPads ? (settled.padsBegin[i], settled.padsEnd[i]) : (0, 0)
      counts += (0..<axes.output[i]).map { axes.taps($0, i, before: before, behind: behind) }
    }
    return try BlockedWindow(
      average: axes, counts: counts, batch: batch, blocks: blocks, lanes: lanes, threads: threads)
  }
}
