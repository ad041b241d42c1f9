import CKernels

/// A product with a number and a sum with another for each channel of images of bytes.
public struct ByteAffinePlan: Sendable {
  public let label: String
  private let factors: [Float]
  private let shifts: [Float]
  private let zeros: (x: Int32, y: Int32)
  private let bounds: (low: Int32, high: Int32)
  private let isa: InstructionSet

  /// `y = clamp(round((x - zero) * factor + shift) + yZero, low, high)`, a factor and a shift for each
  /// byte of a pixel.
  public init(
    factors: [Float], shifts: [Float], zero: Int, yZero: Int, low: Int = 0, high: Int = 255,
    isa: InstructionSet = .current
  ) {
    precondition(factors.count == shifts.count, "\(shifts.count) shifts for \(factors.count)")
    (self.factors, self.shifts, self.isa) = (factors, shifts, isa)
    zeros = (Int32(zero), Int32(yZero))
    bounds = (Int32(low), Int32(high))
    label = "byte affine \(min(isa, .avx512))"
  }

  /// `y` may be `x`.
  public func run(
    _ x: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>, pixels: Int, pool: ThreadPool
  ) {
    let step = factors.count
    // Laying out factors costs as much as some pixels.
    let each = max(64, 65_536 / max(step, 1), (pixels + pool.threads - 1) / pool.threads)
    nonisolated(unsafe) let (x, y) = (x, y)
    pool.run((pixels + each - 1) / each) { i in
      let (at, count) = (i * each * step, min(each, pixels - i * each))
      compute(x + at, y + at, count * step, step)
    }
  }

  private func compute(
    _ x: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>, _ n: Int, _ period: Int
  ) {
    if n == 0 { return }
    factors.withUnsafeBufferPointer { factor in
      shifts.withUnsafeBufferPointer { shift in
        var k = dl_byte_affine(
          x_zero: zeros.x, zero: zeros.y, low: bounds.low, high: bounds.high,
          factor: factor.baseAddress, shift: shift.baseAddress)
        switch isa {
        #if arch(x86_64)
          case .avx512, .avx512vnni: dl_byte_affine_u8__avx512(&k, x, y, n, period)
          case .avx2: dl_byte_affine_u8__avx2(&k, x, y, n, period)
        #endif
        default: dl_byte_affine_u8__scalar(&k, x, y, n, period)
        }
      }
    }
  }
}
