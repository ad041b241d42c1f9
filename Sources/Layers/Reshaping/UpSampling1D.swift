import Training

/// Each element repeated along one spatial axis: `[N, C, T]` with channels first. See `UpSampling`.
///
/// - Source: Keras 3 UpSampling1D.
public final class UpSampling1D: UpSampling {
  /// - `factors`: one for all axes or one each.
  public init(
    _ factors: [Int], dataFormat: DataFormat = .channelsFirst
  ) {
    super.init(axes: 1, factors, isLinear: false, dataFormat: dataFormat)
  }
  public convenience init(_ factor: Int = 2, dataFormat: DataFormat = .channelsFirst) {
    self.init([factor], dataFormat: dataFormat)
  }
}
