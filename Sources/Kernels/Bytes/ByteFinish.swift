import CKernels

/// What becomes of a byte convolution's sums before they are written: the result's scale and bounds,
/// and what is added on the way.
public struct ByteFinish: Hashable, Sendable {
  /// Another image that is added.
  public struct Residual: Hashable, Sendable {
    /// Of the other image.
    public let scale: PixelScale
    /// What the convolution's own result is rounded to before the sum, and the bounds of its bytes;
    /// nil where it is added as it is.
    public let own: PixelScale?
    public let ownLow: Int
    public let ownHigh: Int

    public init(_ scale: PixelScale, own: PixelScale? = nil, ownLow: Int = 0, ownHigh: Int = 255) {
      (self.scale, self.own, self.ownLow, self.ownHigh) = (scale, own, ownLow, ownHigh)
    }
  }

  public let scale: PixelScale
  /// The least and the greatest byte of the result, 0 to 255.
  public let low: Int
  public let high: Int
  public let residual: Residual?

  public init(_ scale: PixelScale, low: Int = 0, high: Int = 255, residual: Residual? = nil) {
    (self.scale, self.low, self.high, self.residual) = (scale, low, high, residual)
  }

  /// What sums are divided by: the step that they are rounded to first.
  var divisor: Float { residual?.own?.scale ?? scale.scale }

  /// `isWide`: whether what is rounded may reach 2^31; `isSmall`: whether all sums lie within 2^22.
  func core(isWide: Bool, isSmall: Bool) -> dl_byte_finish {
    let own = residual?.own
    let zero = own?.zero ?? 0
    let factor = residual.map { $0.scale.scale / scale.scale } ?? 0
    return dl_byte_finish(
      zero: Int32(scale.zero), low: Int32(low), high: Int32(high), is_wide: isWide ? 1 : 0,
      is_small: isSmall ? 1 : 0,
      has_own: own == nil ? 0 : 1, own_low: Float((residual?.ownLow ?? 0) - zero),
      own_high: Float((residual?.ownHigh ?? 0) - zero),
      own_factor: own.map { $0.scale / scale.scale } ?? 0, z_factor: factor,
      z_offset: residual.map { $0.scale.zero == 0 ? 0 : -Float($0.scale.zero) * factor } ?? 0,
      z_base: -8_388_608 * factor)
  }

  /// Whether what is rounded may reach 2^31, for sums that are multiplied by `factor` at most and
  /// have at most `offset` added.
  func isWide(factor: Float, offset: Float) -> Bool {
    let limit: Float = 536_870_912
    let c = core(isWide: false, isSmall: false)
    let added = max(c.own_factor, c.z_factor) * 255
    return !(factor <= 0.25 && offset <= limit && added <= limit)
  }
}
