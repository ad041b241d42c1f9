import Training

/// The largest element of each window over three spatial axes: `[N, C, D, H, W]` with channels
/// first. See `Pooling`.
///
/// - Source: Keras 3 MaxPooling3D.
public final class MaxPooling3D: Pooling {
  /// Windows of one size along all axes; by default next to each other.
  public convenience init(
    _ size: Int = 2, strides: Int? = nil, padding: Padding = .valid,
    dataFormat: DataFormat = .channelsFirst
  ) {
    self.init(
      [size], strides: strides.map { [$0] }, padding: padding, dataFormat: dataFormat)
  }

  public init(
    _ sizes: [Int], strides: [Int]? = nil, padding: Padding = .valid,
    dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(
      axes: 3, .max, sizes, strides: strides, padding: padding,
      dataFormat: dataFormat)
  }
}
