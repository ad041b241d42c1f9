import Kernels

/// A counter-based generator: draw `i` of a stream depends on the key and on `i` alone, so that any
/// number of threads draws the same numbers.
///
/// Source: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
struct Philox: Sendable {
  let key: UInt64

  /// The stream of `seed`; without one, a new stream from the system's entropy.
  init(seed: Float?) {
    if let seed {
      // The pattern of the double keeps seeds apart that differ in a fraction only.
      key = Double(seed).bitPattern &* 0x9E37_79B9_7F4A_7C15
      return
    }
    var entropy = SystemRandomNumberGenerator()
    key = entropy.next()
  }

  /// Four words of 32 bits: those of counter `i`.
  func words(_ i: Int) -> (UInt32, UInt32, UInt32, UInt32) {
    var k0 = UInt32(truncatingIfNeeded: key)
    var k1 = UInt32(truncatingIfNeeded: key >> 32)
    var a = UInt32(truncatingIfNeeded: i)
    var b = UInt32(truncatingIfNeeded: i >> 32)
    var c: UInt32 = 0
    var d: UInt32 = 0
    for _ in 0..<10 {
      let p = UInt64(a) &* 0xD251_1F53
      let q = UInt64(c) &* 0xCD9E_8D57
      let high = UInt32(truncatingIfNeeded: p >> 32)
      let other = UInt32(truncatingIfNeeded: q >> 32)
      a = other ^ b ^ k0
      b = UInt32(truncatingIfNeeded: q)
      c = high ^ d ^ k1
      d = UInt32(truncatingIfNeeded: p)
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (a, b, c, d)
  }

  /// Draw `i`, uniform in [0, 1), 53 bits.
  func uniform(_ i: Int) -> Double {
    let (a, b, _, _) = words(i)
    return unit(a, b)
  }

  /// Draws many at a time, the same ones.
  var draws: PhiloxDraws { PhiloxDraws(key: key) }

  private func unit(_ a: UInt32, _ b: UInt32) -> Double {
    Double(UInt64(a) << 21 ^ UInt64(b) >> 11) * 0x1p-53
  }
}
