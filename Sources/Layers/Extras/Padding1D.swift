import Training

/// Elements around 1 spatial axis: zeros, a mirror image, the edge, or the other side. See
/// `SpatialPadding`.
///
/// - Source: torch ReflectionPad1d, ReplicationPad1d, CircularPad1d.
public final class Padding1D: SpatialPadding {
  /// As many on all sides.
  public convenience init(
    _ kind: PaddingKind, _ size: Int, dataFormat: DataFormat = .channelsFirst
  ) {
    self.init(kind, before: [size], after: [size], dataFormat: dataFormat)
  }
  /// - `before`, `after`: one number for all axes or one each.
  public init(
    _ kind: PaddingKind, before: [Int], after: [Int], dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(axes: 1, kind, before: before, after: after, dataFormat: dataFormat)
  }
}
