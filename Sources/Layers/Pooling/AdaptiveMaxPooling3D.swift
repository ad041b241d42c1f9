import Training

/// The largest element of as many windows as asked for over three spatial axes: `[N, C, D, H, W]`
/// with channels first. See `AdaptivePooling`.
///
/// - Source: Keras 3 AdaptiveMaxPooling3D, torch AdaptiveMaxPool3d.
public final class AdaptiveMaxPooling3D: AdaptivePooling {
  /// - `sizes`: of the output, one for all axes or one each.
  public init(_ sizes: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, .max, sizes, dataFormat: dataFormat)
  }
  public convenience init(_ size: Int, dataFormat: DataFormat = .channelsFirst) {
    self.init([size], dataFormat: dataFormat)
  }
}
