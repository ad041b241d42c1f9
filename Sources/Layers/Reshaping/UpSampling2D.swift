import Training

/// Each element repeated along two spatial axes: `[N, C, H, W]` with channels first. See
/// `UpSampling`.
///
/// - Source: Keras 3 UpSampling2D.
public final class UpSampling2D: UpSampling {
  /// - `factors`: one for all axes or one each. - `isBilinear`: whether elements between are
  ///   blended.
  public init(
    _ factors: [Int], isBilinear: Bool = false, dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(axes: 2, factors, isLinear: isBilinear, dataFormat: dataFormat)
  }
  public convenience init(_ factor: Int = 2, dataFormat: DataFormat = .channelsFirst) {
    self.init([factor], dataFormat: dataFormat)
  }
}
