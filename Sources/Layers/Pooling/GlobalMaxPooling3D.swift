import Training

/// The largest element of each channel over three spatial axes: `[N, C, D, H, W]` with channels
/// first to `[N, C]`. See `GlobalPooling`.
///
/// - Source: Keras 3 GlobalMaxPooling3D.
public final class GlobalMaxPooling3D: GlobalPooling {
  /// - `keepDims`: whether the axes stay, with size 1.
  public init(keepDims: Bool = false, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, .max, keepDims: keepDims, dataFormat: dataFormat)
  }
}
