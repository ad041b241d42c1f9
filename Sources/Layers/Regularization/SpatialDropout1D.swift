import Training

/// Whole channels zeroed in training: `[N, C, T]` with channels first. See `SpatialDropout`.
///
/// - Source: Keras 3 SpatialDropout1D; for `[N, T, features]` use `.channelsLast`.
public final class SpatialDropout1D: SpatialDropout {
  public init(_ rate: Double, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 1, rate, dataFormat: dataFormat)
  }
}
