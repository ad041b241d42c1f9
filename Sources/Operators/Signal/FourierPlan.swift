import Glibc

/// The discrete Fourier transform of `count` complex numbers, in float64.
///
/// Powers of two go by radix 2, other sizes up to 32 by the definition, and all others by
/// Bluestein's convolution of a power of two: O(n log n) for every size.
///
/// Source: Cooley and Tukey 1965; Bluestein 1970.
final class FourierPlan: @unchecked Sendable {
  let count: Int
  /// Numbers of the power-of-two transform that runs; 0 for the definition.
  private let size: Int
  private let isPower: Bool
  /// `exp(-2 pi i k / n)` as pairs, for k below the transform's size.
  private let roots: UnsafeMutablePointer<Double>
  /// Bluestein: `exp(-pi i k^2 / count)`, and the transform of its conjugate.
  private let chirp: UnsafeMutablePointer<Double>
  private let filter: UnsafeMutablePointer<Double>

  /// Doubles of scratch that `run` needs.
  var scratchCount: Int { isPower ? 0 : 2 * max(size, count) }

  /// `count` is positive, and small enough for tensors of its size.
  init(_ count: Int) {
    self.count = count
    isPower = count & (count - 1) == 0
    var n = 1
    if isPower {
      n = count
    } else if count <= 32 {
      n = 0
    } else {
      while n < 2 * count - 1 { n *= 2 }
    }
    size = n
    let rootCount = n == 0 ? count : n
    roots = .allocate(capacity: 2 * rootCount)
    for k in 0..<rootCount {
      let angle = -2 * Double.pi * Double(k) / Double(rootCount)
      roots[2 * k] = cos(angle)
      roots[2 * k + 1] = sin(angle)
    }
    let isBluestein = !isPower && n > 0
    chirp = .allocate(capacity: isBluestein ? 2 * count : 1)
    filter = .allocate(capacity: isBluestein ? 2 * n : 1)
    guard isBluestein else { return }
    filter.initialize(repeating: 0, count: 2 * n)
    for k in 0..<count {
      // k * k modulo 2 * count keeps the angle small, hence exact.
      let square = k.multipliedFullWidth(by: k)
      let rest = (2 * count).dividingFullWidth(square).remainder
      let angle = -Double.pi * Double(rest) / Double(count)
      chirp[2 * k] = cos(angle)
      chirp[2 * k + 1] = sin(angle)
      for place in Set([k, (n - k) % n]) {
        filter[2 * place] = cos(angle)
        filter[2 * place + 1] = -sin(angle)
      }
    }
    radix2(filter)
  }

  deinit {
    roots.deallocate()
    chirp.deallocate()
    filter.deallocate()
  }

  /// Transforms the `count` pairs at `x` in place.
  func run(_ x: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>) {
    if isPower { return radix2(x) }
    if size == 0 { return byDefinition(x, scratch) }
    for k in 0..<size {
      let (a, b) = k < count ? (x[2 * k], x[2 * k + 1]) : (0, 0)
      let (c, s) = k < count ? (chirp[2 * k], chirp[2 * k + 1]) : (0, 0)
      scratch[2 * k] = a * c - b * s
      scratch[2 * k + 1] = a * s + b * c
    }
    radix2(scratch)
    // The inverse transform, as the forward one with real and imaginary parts exchanged.
    for k in 0..<size {
      let (a, b) = (scratch[2 * k], scratch[2 * k + 1])
      let (c, s) = (filter[2 * k], filter[2 * k + 1])
      scratch[2 * k] = a * s + b * c
      scratch[2 * k + 1] = a * c - b * s
    }
    radix2(scratch)
    let scale = 1 / Double(size)
    for k in 0..<count {
      let (b, a) = (scratch[2 * k] * scale, scratch[2 * k + 1] * scale)
      let (c, s) = (chirp[2 * k], chirp[2 * k + 1])
      x[2 * k] = a * c - b * s
      x[2 * k + 1] = a * s + b * c
    }
  }

  private func byDefinition(
    _ x: UnsafeMutablePointer<Double>, _ scratch: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<2 * count { scratch[k] = x[k] }
    for k in 0..<count {
      var (re, im) = (0.0, 0.0)
      var at = 0
      for j in 0..<count {
        let (a, b) = (scratch[2 * j], scratch[2 * j + 1])
        let (c, s) = (roots[2 * at], roots[2 * at + 1])
        re += a * c - b * s
        im += a * s + b * c
        at += k
        if at >= count { at -= count }
      }
      x[2 * k] = re
      x[2 * k + 1] = im
    }
  }

  /// The transform of `size` pairs in place: bit reversal, then butterflies.
  private func radix2(_ x: UnsafeMutablePointer<Double>) {
    var j = 0
    for i in 0..<size {
      if i < j {
        swap(&x[2 * i], &x[2 * j])
        swap(&x[2 * i + 1], &x[2 * j + 1])
      }
      var bit = size >> 1
      while bit > 0 && j & bit != 0 {
        j ^= bit
        bit >>= 1
      }
      j |= bit
    }
    var half = 1
    while half < size {
      let step = size / (2 * half)
      for start in stride(from: 0, to: size, by: 2 * half) {
        for k in 0..<half {
          let (c, s) = (roots[2 * k * step], roots[2 * k * step + 1])
          let p = 2 * (start + k)
          let q = p + 2 * half
          let re = x[q] * c - x[q + 1] * s
          let im = x[q] * s + x[q + 1] * c
          x[q] = x[p] - re
          x[q + 1] = x[p + 1] - im
          x[p] += re
          x[p + 1] += im
        }
      }
      half *= 2
    }
  }
}
