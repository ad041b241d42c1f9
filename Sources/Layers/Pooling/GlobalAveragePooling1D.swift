import Training

/// The mean of each channel over one spatial axis: `[N, C, T]` with channels first to `[N, C]`. See
/// `GlobalPooling`.
///
/// - Source: Keras 3 GlobalAveragePooling1D.
public final class GlobalAveragePooling1D: GlobalPooling {
  /// - `keepDims`: whether the axes stay, with size 1.
  public init(keepDims: Bool = false, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 1, .average, keepDims: keepDims, dataFormat: dataFormat)
  }
}
