import Training

/// The largest element of as many windows as asked for over two spatial axes: `[N, C, H, W]` with
/// channels first. See `AdaptivePooling`.
///
/// - Source: Keras 3 AdaptiveMaxPooling2D, torch AdaptiveMaxPool2d.
public final class AdaptiveMaxPooling2D: AdaptivePooling {
  /// - `sizes`: of the output, one for all axes or one each.
  public init(_ sizes: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 2, .max, sizes, dataFormat: dataFormat)
  }
  public convenience init(_ size: Int, dataFormat: DataFormat = .channelsFirst) {
    self.init([size], dataFormat: dataFormat)
  }
}
