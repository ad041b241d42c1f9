import Training

/// The mean of each channel over three spatial axes: `[N, C, D, H, W]` with channels first to `[N,
/// C]`. See `GlobalPooling`.
///
/// - Source: Keras 3 GlobalAveragePooling3D.
public final class GlobalAveragePooling3D: GlobalPooling {
  /// - `keepDims`: whether the axes stay, with size 1.
  public init(keepDims: Bool = false, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 3, .average, keepDims: keepDims, dataFormat: dataFormat)
  }
}
