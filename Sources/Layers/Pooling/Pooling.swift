import Tensors
import Training

/// What layers that take windows together share.
public enum PoolingKind: Sendable { case max, average }

/// The largest element or the mean of each window.
///
/// - Input: `[N, C, ...]`, or channels last. With padding `same`, means count only what is inside.
/// - Errors: `.attribute` for sizes below 1 or not as many as axes; `.shape`.
public class Pooling: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Which one of its kinds.
  public let kind: PoolingKind
  /// What stands around the input.
  public let padding: Padding
  /// Where channels stand.
  public let dataFormat: DataFormat
  private let window: [Int]
  private let strides: [Int]?

  init(
    axes: Int, _ kind: PoolingKind, _ window: [Int], strides: [Int]?, padding: Padding,
    dataFormat: DataFormat
  ) {
    self.axes = axes
    self.kind = kind
    self.window = window
    self.strides = strides
    self.padding = padding
    self.dataFormat = dataFormat
    super.init()
  }

  private func sizes() throws(EngineError) -> (window: [Int], strides: [Int]) {
    let w = try checkedSizes(window, axes, "the window's size")
    guard let strides else { return (w, w) }
    return (w, try checkedSizes(strides, axes, "strides"))
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    guard padding != .causal else {
      throw EngineError(.attribute, "pooling is not causal", expected: "valid or same")
    }
    let s = try sizes()
    var first = dataFormat.first(shape)
    for i in 0..<axes {
      let n = padding.outputSize(first[i + 2], kernel: s.window[i], stride: s.strides[i])
      if n == 0 {
        throw EngineError(
          .shape, "the window is larger than the input", expected: "\(s.window) or more",
          received: "\(shape)", hint: "pool less, or use padding .same")
      }
      first[i + 2] = n
    }
    return dataFormat.own(first)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try sizes()
    let input = try dataFormat.first(x)
    let y =
      switch kind {
      case .max: try input.maxPool(s.window, strides: s.strides, same: padding == .same)
      case .average: try input.averagePool(s.window, strides: s.strides, same: padding == .same)
      }
    return try dataFormat.own(y)
  }

  public override var configuration: [(name: String, value: String)] {
    [("window", "\(window)"), ("strides", "\(strides ?? window)"), ("padding", padding.rawValue)]
  }
}
