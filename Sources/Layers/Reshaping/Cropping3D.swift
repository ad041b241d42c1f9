import Training

/// Elements cut off around three spatial axes: `[N, C, D, H, W]` with channels first. See
/// `SpatialCropping`.
///
/// - Source: Keras 3 Cropping3D.
public final class Cropping3D: SpatialCropping {
  /// As many on all sides.
  public convenience init(_ size: Int = 1, dataFormat: DataFormat = .channelsFirst) {
    self.init(before: [size], after: [size], dataFormat: dataFormat)
  }
  /// - `before`, `after`: one number for all axes or one each.
  public init(before: [Int], after: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, before: before, after: after, dataFormat: dataFormat)
  }
}
