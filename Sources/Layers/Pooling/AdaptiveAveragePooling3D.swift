import Training

/// The mean of as many windows as asked for over three spatial axes: `[N, C, D, H, W]` with
/// channels first. See `AdaptivePooling`.
///
/// - Source: Keras 3 AdaptiveAveragePooling3D, torch AdaptiveAvgPool3d.
public final class AdaptiveAveragePooling3D: AdaptivePooling {
  /// - `sizes`: of the output, one for all axes or one each.
  public init(_ sizes: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, .average, sizes, dataFormat: dataFormat)
  }
  public convenience init(_ size: Int, dataFormat: DataFormat = .channelsFirst) {
    self.init([size], dataFormat: dataFormat)
  }
}
