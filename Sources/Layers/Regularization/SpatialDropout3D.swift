import Training

/// Whole channels zeroed in training: `[N, C, D, H, W]` with channels first. See `SpatialDropout`.
///
/// - Source: Keras 3 SpatialDropout3D; for `[N, T, features]` use `.channelsLast`.
public final class SpatialDropout3D: SpatialDropout {
  public init(_ rate: Double, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, rate, dataFormat: dataFormat)
  }
}
