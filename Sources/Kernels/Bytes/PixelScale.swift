/// What the bytes of a tensor stand for: `(q - zero) * scale`.
public struct PixelScale: Hashable, Sendable {
  public let scale: Float
  /// 0 to 255.
  public let zero: Int

  public init(_ scale: Float, zero: Int) {
    self.scale = scale
    self.zero = zero
  }

  /// The byte that stands for `x`, rounded to nearest, ties to even, and brought into 0 to 255.
  public func byte(_ x: Float) -> Int {
    let q = (x / scale).rounded(.toNearestOrEven)
    if q.isNaN { return 0 }
    return Int(max(0, min(255, q + Float(zero))))
  }
  /// What the byte `q` stands for.
  public func value(_ q: Int) -> Float { Float(q - zero) * scale }
}
