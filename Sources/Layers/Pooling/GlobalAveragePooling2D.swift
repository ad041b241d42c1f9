import Training

/// The mean of each channel over two spatial axes: `[N, C, H, W]` with channels first to `[N, C]`.
/// See `GlobalPooling`.
///
/// - Source: Keras 3 GlobalAveragePooling2D.
public final class GlobalAveragePooling2D: GlobalPooling {
  /// - `keepDims`: whether the axes stay, with size 1.
  public init(keepDims: Bool = false, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 2, .average, keepDims: keepDims, dataFormat: dataFormat)
  }
}
