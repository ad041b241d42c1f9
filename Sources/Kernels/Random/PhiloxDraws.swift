import CKernels

/// Draws of a counted stream of random numbers: draw `i` depends on the key and on `i` alone, so that
/// any number of threads, and every instruction set, draws the same numbers.
public struct PhiloxDraws: Sendable {
  private let key: UInt64
  private let isa: InstructionSet

  public init(key: UInt64, isa: InstructionSet = .current) {
    self.key = key
    self.isa = isa
  }

  /// Draws `first` and the `count - 1` behind it, uniform in [0, 1), 53 bits.
  public func uniform(_ first: Int, count: Int, into y: UnsafeMutablePointer<Double>) {
    let draw =
      isa >= .avx512
      ? dl_draw_uniform__avx512 : isa >= .avx2 ? dl_draw_uniform__avx2 : dl_draw_uniform__scalar
    draw(key, UInt64(truncatingIfNeeded: first), Int64(count), y)
  }

  /// The same of the standard normal distribution.
  public func normal(_ first: Int, count: Int, into y: UnsafeMutablePointer<Double>) {
    let draw =
      isa >= .avx512
      ? dl_draw_normal__avx512 : isa >= .avx2 ? dl_draw_normal__avx2 : dl_draw_normal__scalar
    draw(key, UInt64(truncatingIfNeeded: first), Int64(count), y)
  }
}
