import Training

/// Each element repeated along three spatial axes: `[N, C, D, H, W]` with channels first. See
/// `UpSampling`.
///
/// - Source: Keras 3 UpSampling3D.
public final class UpSampling3D: UpSampling {
  /// - `factors`: one for all axes or one each.
  public init(
    _ factors: [Int], dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(axes: 3, factors, isLinear: false, dataFormat: dataFormat)
  }
  public convenience init(_ factor: Int = 2, dataFormat: DataFormat = .channelsFirst) {
    self.init([factor], dataFormat: dataFormat)
  }
}
