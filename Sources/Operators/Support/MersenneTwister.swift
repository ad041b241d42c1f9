/// The MT19937 generator in memory of the caller: what NumPy's `RandomState` draws.
///
/// Source: Matsumoto and Nishimura, 1998; seeding and doubles as in NumPy's legacy interface, so
/// that the results of ONNX's reference implementation can be compared.
struct MersenneTwister {
  static let scratchBytes = 624 * 4
  private let state: UnsafeMutablePointer<UInt32>
  private var next = 624

  /// `scratch` holds `scratchBytes` bytes and outlives the generator.
  init(seed: UInt32, scratch: UnsafeMutableRawPointer) {
    state = scratch.assumingMemoryBound(to: UInt32.self)
    var s = seed
    for i in 0..<624 {
      state[i] = s
      s = 1_812_433_253 &* (s ^ s >> 30) &+ UInt32(i) &+ 1
    }
  }

  mutating func word() -> UInt32 {
    if next == 624 {
      for i in 0..<624 {
        let y = state[i] & 0x8000_0000 | state[(i + 1) % 624] & 0x7FFF_FFFF
        state[i] = state[(i + 397) % 624] ^ y >> 1 ^ (y & 1) &* 0x9908_B0DF
      }
      next = 0
    }
    var y = state[next]
    next += 1
    y ^= y >> 11
    y ^= y << 7 & 0x9D2C_5680
    y ^= y << 15 & 0xEFC6_0000
    return y ^ y >> 18
  }

  /// Uniform in [0, 1), 53 bits.
  mutating func double() -> Double {
    let a = Double(word() >> 5)
    let b = Double(word() >> 6)
    return (a * 67_108_864 + b) / 9_007_199_254_740_992
  }
}
