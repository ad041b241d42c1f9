import Training

/// Zeros around one spatial axis: `[N, C, T]` with channels first. See `SpatialPadding`.
///
/// - Source: Keras 3 ZeroPadding1D.
public final class ZeroPadding1D: SpatialPadding {
  /// As many on all sides.
  public convenience init(_ size: Int = 1, dataFormat: DataFormat = .channelsFirst) {
    self.init(before: [size], after: [size], dataFormat: dataFormat)
  }
  /// - `before`, `after`: one number for all axes or one each.
  public init(before: [Int], after: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 1, .zeros, before: before, after: after, dataFormat: dataFormat)
  }
}
