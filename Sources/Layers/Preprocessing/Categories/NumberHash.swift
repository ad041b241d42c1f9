import Tensors
import Training

/// A hash of whole numbers that is made of four standard operators, so that it can be a part of any
/// graph: `((a lo + b hi + c) mod p) mod bins`, with `p = 2^31 - 1`, `lo = x mod p` and
/// `hi = trunc(x / p) mod p`; `a`, `b` and `c` are drawn below `p` from the salt.
///
/// - Nothing overflows: products are below 2^62. - Source: Carter and Wegman 1979, "Universal
///   classes of hash functions".
struct NumberHash {
  static let prime: Int64 = 0x7FFF_FFFF
  private let factors: [Int64]

  init(salt: UInt64) {
    // SplitMix64 (Steele et al. 2014).
    var state = salt
    factors = (0..<3).map { i in
      state = state &+ 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      // A factor of 0 would lose its part.
      return i < 2 ? 1 + Int64(z % UInt64(Self.prime - 1)) : Int64(z % UInt64(Self.prime))
    }
  }

  /// int64 below `prime`.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let p = try Tensor(scalar: Self.prime)
    let low = try x.modulo(p)
    let high = try (x / p).modulo(p)
    let sum =
      try low * Tensor(scalar: factors[0]) + high * Tensor(scalar: factors[1])
      + Tensor(scalar: factors[2])
    return try sum.modulo(p)
  }
}
