import Training

/// The mean of as many windows as asked for over one spatial axis: `[N, C, T]` with channels first.
/// See `AdaptivePooling`.
///
/// - Source: Keras 3 AdaptiveAveragePooling1D, torch AdaptiveAvgPool1d.
public final class AdaptiveAveragePooling1D: AdaptivePooling {
  /// - `sizes`: of the output, one for all axes or one each.
  public init(_ sizes: [Int], dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 1, .average, sizes, dataFormat: dataFormat)
  }
  public convenience init(_ size: Int, dataFormat: DataFormat = .channelsFirst) {
    self.init([size], dataFormat: dataFormat)
  }
}
