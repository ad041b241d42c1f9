import Training

/// Elements cut off around two spatial axes: `[N, C, H, W]` with channels first. See
/// `SpatialCropping`.
///
/// - Source: Keras 3 Cropping2D.
public final class Cropping2D: SpatialCropping {
  /// As many on all sides.
  public convenience init(_ size: Int = 1, dataFormat: DataFormat = .channelsFirst) {
    self.init(before: [size], after: [size], dataFormat: dataFormat)
  }
  /// - `before`, `after`: one number for all axes or one each.
  public init(before: [Int], after: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 2, before: before, after: after, dataFormat: dataFormat)
  }
}
