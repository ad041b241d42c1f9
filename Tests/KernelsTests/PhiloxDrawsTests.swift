import Glibc
import Kernels
import Testing

/// Draws against the formula with the C library's functions, and each instruction set against plain C.
@Suite struct PhiloxDrawsTests {
  private let key: UInt64 = 0x0123_4567_89AB_CDEF

  private func words(_ i: Int) -> [UInt32] {
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    var (a, b) = (UInt32(truncatingIfNeeded: i), UInt32(truncatingIfNeeded: i >> 32))
    var (c, d): (UInt32, UInt32) = (0, 0)
    for _ in 0..<10 {
      let (p, q) = (UInt64(a) &* 0xD251_1F53, UInt64(c) &* 0xCD9E_8D57)
      (a, b, c, d) = (
        UInt32(q >> 32) ^ b ^ k0, UInt32(truncatingIfNeeded: q), UInt32(p >> 32) ^ d ^ k1,
        UInt32(truncatingIfNeeded: p)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return [a, b, c, d]
  }
  private func unit(_ a: UInt32, _ b: UInt32) -> Double {
    Double(UInt64(a) << 21 ^ UInt64(b) >> 11) * 0x1p-53
  }

  @Test func equalsTheFormula() {
    for first in [0, 12_345, (1 << 32) - 500] {
      var (flat, bell) = ([Double](repeating: 9, count: 1003), [Double](repeating: 9, count: 1003))
      let draws = PhiloxDraws(key: key)
      draws.uniform(first, count: flat.count, into: &flat)
      draws.normal(first, count: bell.count, into: &bell)
      for i in flat.indices {
        let w = words(first + i)
        #expect(flat[i] == unit(w[0], w[1]))
        let want = sqrt(-2 * log(1 - unit(w[0], w[1]))) * cos(2 * Double.pi * unit(w[2], w[3]))
        #expect(abs(bell[i] - want) <= 8e-15)
      }
    }
  }

  @Test func everyInstructionSetDrawsTheSame() {
    for isa in InstructionSet.allCases where isa <= .detected {
      for count in [0, 1, 7, 8, 9, 1000] {
        var want = [Double](repeating: 9, count: count + 1)
        var got = want
        for isNormal in [false, true] {
          let (plain, own) = (PhiloxDraws(key: key, isa: .scalar), PhiloxDraws(key: key, isa: isa))
          if isNormal {
            plain.normal(5, count: count, into: &want)
            own.normal(5, count: count, into: &got)
          } else {
            plain.uniform(5, count: count, into: &want)
            own.uniform(5, count: count, into: &got)
          }
          #expect(got == want && got[count] == 9, "\(isa) \(count)")
        }
      }
    }
  }
}
