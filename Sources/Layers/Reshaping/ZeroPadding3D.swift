import Training

/// Zeros around three spatial axes: `[N, C, D, H, W]` with channels first. See `SpatialPadding`.
///
/// - Source: Keras 3 ZeroPadding3D.
public final class ZeroPadding3D: SpatialPadding {
  /// As many on all sides.
  public convenience init(_ size: Int = 1, dataFormat: DataFormat = .channelsFirst) {
    self.init(before: [size], after: [size], dataFormat: dataFormat)
  }
  /// - `before`, `after`: one number for all axes or one each.
  public init(before: [Int], after: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, .zeros, before: before, after: after, dataFormat: dataFormat)
  }
}
