import Tensors
import Training

/// What stands around an input that is padded.
public enum PaddingKind: String, Sendable {
  /// Zeros.
  case zeros
  /// The input mirrored at its edge, the edge itself left out.
  case reflect
  /// The edge again and again.
  case replicate
  /// The input from its other side.
  case circular
}

/// Elements added around the spatial axes.
///
/// - Input: `[N, C, ...]`, or channels last.
/// - Errors: `.attribute` for negative numbers or not as many as axes; `.shape` where a mirrored or
///   circular border is larger than the input.
public class SpatialPadding: Layer {
  /// The number of spatial axes.
  public let axes: Int
  /// Which one of its kinds.
  public let kind: PaddingKind
  /// Where channels stand.
  public let dataFormat: DataFormat
  private let before: [Int]
  private let after: [Int]

  init(axes: Int, _ kind: PaddingKind, before: [Int], after: [Int], dataFormat: DataFormat) {
    self.axes = axes
    self.kind = kind
    self.before = before
    self.after = after
    self.dataFormat = dataFormat
    super.init()
  }

  private func sizes() throws(EngineError) -> (before: [Int], after: [Int]) {
    (
      try checkedSizes(before, axes, least: 0, "the border before"),
      try checkedSizes(after, axes, least: 0, "the border behind")
    )
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: axes + 2...axes + 2)
    let s = try sizes()
    var first = dataFormat.first(shape)
    for i in 0..<axes {
      guard let n = first[i + 2] else { continue }
      let limit = kind == .reflect ? n - 1 : kind == .circular ? n : Int.max
      guard max(s.before[i], s.after[i]) <= limit else {
        throw EngineError(
          .shape, "the border is larger than the input", expected: "at most \(limit)",
          received: "\(max(s.before[i], s.after[i])) for \(shape)")
      }
      first[i + 2] = n + s.before[i] + s.after[i]
    }
    return dataFormat.own(first)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let s = try sizes()
    let isFirst = dataFormat == .channelsFirst
    let begin = isFirst ? [0, 0] + s.before : [0] + s.before + [0]
    let end = isFirst ? [0, 0] + s.after : [0] + s.after + [0]
    return switch kind {
    case .zeros: try x.padded(begin, end)
    case .reflect: try x.padded(begin, end, mode: .reflect)
    case .replicate: try x.padded(begin, end, mode: .edge)
    case .circular: try x.padded(begin, end, mode: .wrap)
    }
  }
}
