import Tensors
import Training

/// Elements cut off around the spatial axes.
///
/// - Input: `[N, C, ...]`, or channels last.
/// - Errors: `.attribute` for negative numbers or not as many as axes; `.shape` where nothing is
///   left.
public class SpatialCropping: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Where channels stand.
  public let dataFormat: DataFormat
  private let before: [Int]
  private let after: [Int]

  init(axes: Int, before: [Int], after: [Int], dataFormat: DataFormat) {
    self.axes = axes
    self.before = before
    self.after = after
    self.dataFormat = dataFormat
    super.init()
  }

  private func sizes() throws(EngineError) -> (before: [Int], after: [Int]) {
    (
      try checkedSizes(before, axes, least: 0, "what is cut off before"),
      try checkedSizes(after, axes, least: 0, "what is cut off behind")
    )
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let s = try sizes()
    var first = dataFormat.first(shape)
    for i in 0..<axes {
      guard let n = first[i + 2] else { continue }
      guard n > s.before[i] + s.after[i] else {
        throw EngineError(
          .shape, "nothing is left of axis \(i) of the spatial ones",
          expected: "more than \(s.before[i] + s.after[i]) elements", received: "\(shape)")
      }
      first[i + 2] = n - s.before[i] - s.after[i]
    }
    return dataFormat.own(first)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try sizes()
    let places = (0..<axes).map { $0 + (dataFormat == .channelsFirst ? 2 : 1) }
    // Ends count from behind, so that sizes need not be known.
    let ends = s.after.map { $0 == 0 ? Int.max : -$0 }
    return try x.slice(axes: places, from: s.before, to: ends)
  }
}
