import Training

/// The largest element of each channel over one spatial axis: `[N, C, T]` with channels first to
/// `[N, C]`. See `GlobalPooling`.
///
/// - Source: Keras 3 GlobalMaxPooling1D.
public final class GlobalMaxPooling1D: GlobalPooling {
  /// - `keepDims`: whether the axes stay, with size 1.
  public init(keepDims: Bool = false, dataFormat: DataFormat = .channelsFirst) {
    super.init(axes: 1, .max, keepDims: keepDims, dataFormat: dataFormat)
  }
}
