import CKernels
import Tensors

/// Sums and products of two images of bytes.
public struct BytePair: Sendable {
  public enum Kind: Sendable { case sum, product }
  public let label: String
  private let core: dl_byte_pair
  private let isa: InstructionSet

  /// `low`, `high`: the least and the greatest byte of the result.
  public init(
    _ kind: Kind, _ a: PixelScale, _ b: PixelScale, to y: PixelScale, low: Int = 0, high: Int = 255,
    isa: InstructionSet = .current
  ) {
    core = dl_byte_pair(
      a_zero: Int32(a.zero), b_zero: Int32(b.zero), zero: Int32(y.zero), low: Int32(low),
      high: Int32(high), is_product: kind == .product ? 1 : 0, a_scale: a.scale, b_scale: b.scale,
      inverse: 1 / y.scale)
    self.isa = isa
    label = "byte \(kind) \(min(isa, .avx512))"
  }

  /// `y[i]` of `a[i]` and `b[i / row * period + i mod period]`: b repeats within each of the rows of
  /// `row` bytes, of which there are `rows`. `y` may be `a`, and `b` where it does not repeat.
  public func run(
    _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>,
    rows: Int, row: Int, period: Int, pool: ThreadPool
  ) {
    // Pieces of whole periods.
    let periods = row / max(period, 1)
    let each = max(1, 16_384 / max(period, 1))
    let repeats = periods > 1
    let parts = repeats ? (periods + each - 1) / each : (row + 16_383) / 16_384
    nonisolated(unsafe) let (a, b, y) = (a, b, y)
    pool.run(rows * parts) { i in
      let (r, part) = (i / parts, i % parts)
      let first = repeats ? part * each * period : part * 16_384
      let count = min(row - first, repeats ? each * period : 16_384)
      let at = r * row + first
      compute(
        a + at, repeats ? b + r * period : b + at, y + at, count, repeats ? period : count)
    }
  }

  private func compute(
    _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>,
    _ n: Int, _ period: Int
  ) {
    if n == 0 { return }
    var k = core
    switch isa {
    #if arch(x86_64)
      case .avx512, .avx512vnni: dl_byte_pair_u8__avx512(&k, a, b, y, n, period)
      case .avx2: dl_byte_pair_u8__avx2(&k, a, b, y, n, period)
    #endif
    default: dl_byte_pair_u8__scalar(&k, a, b, y, n, period)
    }
  }
}
