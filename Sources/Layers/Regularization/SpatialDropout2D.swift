import Training

/// Whole channels zeroed in training: `[N, C, H, W]` with channels first. See `SpatialDropout`.
///
/// - Source: Keras 3 SpatialDropout2D; for `[N, T, features]` use `.channelsLast`.
public final class SpatialDropout2D: SpatialDropout {
  public init(_ rate: Double, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 2, rate, dataFormat: dataFormat)
  }
}
