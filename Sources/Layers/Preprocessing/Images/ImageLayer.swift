import Tensors
import Training

/// What layers of images share: `[N, C, H, W]`, or channels last; numbers of any type become the
/// layer's dtype.
public class ImageLayer: Layer {
  /// Where channels stand.
  public let dataFormat: DataFormat

  init(dataFormat: DataFormat) {
    self.dataFormat = dataFormat
    super.init()
  }

  /// The axis of the height; that of the width is the next.
  var heightAxis: Int { dataFormat == .channelsFirst ? 2 : 1 }
  /// The axis of the channels.
  var channelAxis: Int { dataFormat == .channelsFirst ? 1 : 3 }

  /// A shape with another height and width.
  func resized(
    _ shape: LayerShape, _ height: Int, _ width: Int
  ) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 4...4)
    var made = shape
    made[heightAxis] = height
    made[heightAxis + 1] = width
    return made
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 4...4)
    return shape
  }

  /// Numbers drawn for each image, `[N, 1, 1, 1]`, uniform in `range`.
  func drawn(_ x: Tensor, _ range: ClosedRange<Double>) throws -> Tensor {
    let one = try x.detached().slice(axes: [1, 2, 3], from: [0, 0, 0], to: [1, 1, 1])
    return try one.uniformLike(from: range.lowerBound, to: range.upperBound)
  }

  /// The images with channels first, `body` of them, as they were.
  func withChannelsFirst(_ x: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
    guard dataFormat == .channelsLast else { return try body(x) }
    return try body(x.transpose([0, 3, 1, 2])).transpose([0, 2, 3, 1])
  }

  /// Errors: `.attribute` for a range that is not within others.
  func checked(
    _ range: ClosedRange<Double>, within limits: ClosedRange<Double>, _ what: String
  ) throws(EngineError) {
    if range.lowerBound >= limits.lowerBound, range.upperBound <= limits.upperBound { return }
    throw EngineError(
      .attribute, "\(what) is out of range",
      expected: "within \(limits.lowerBound)...\(limits.upperBound)", received: "\(range)")
  }
}

/// What is read beyond an image's edges when it is turned or moved.
public enum ImageFill: Sendable, Equatable {
  /// One value.
  case constant(Double)
  /// The nearest pixel.
  case nearest
  /// The image mirrored at its edge, the pixel at the edge twice.
  case reflect

  /// Images `[N, C, H, W]` read at mapped places.
  func transformed(_ x: Tensor, _ maps: Tensor, nearest: Bool) throws -> Tensor {
    switch self {
    case .nearest: return try x.transformed(maps, edge: .border, nearest: nearest)
    case .reflect: return try x.transformed(maps, edge: .reflection, nearest: nearest)
    case .constant(let value):
      if value == 0 { return try x.transformed(maps, nearest: nearest) }
      return try (x - value).transformed(maps, nearest: nearest) + value
    }
  }
}
