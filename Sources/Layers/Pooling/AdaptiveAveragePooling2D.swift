import Training

/// The mean of as many windows as asked for over two spatial axes: `[N, C, H, W]` with channels
/// first. See `AdaptivePooling`.
///
/// - Source: Keras 3 AdaptiveAveragePooling2D, torch AdaptiveAvgPool2d.
public final class AdaptiveAveragePooling2D: AdaptivePooling {
  /// - `sizes`: of the output, one for all axes or one each.
  public init(_ sizes: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 2, .average, sizes, dataFormat: dataFormat)
  }
  public convenience init(_ size: Int, dataFormat: DataFormat = .channelsFirst) {
    self.init([size], dataFormat: dataFormat)
  }
}
