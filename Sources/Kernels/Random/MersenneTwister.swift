import CKernels

/// The MT19937 generator in memory of the caller: what NumPy's `RandomState` draws.
///
/// Source: Matsumoto and Nishimura, 1998; seeding and doubles as in NumPy's legacy interface, so
/// that the results of ONNX's reference implementation can be compared.
public struct MersenneTwister {
  /// Doubles of one step of the generator.
  public static let blockCount = 312
  /// 64-byte aligned: the generator's words, and a block of doubles.
  public static let scratchBytes = 624 * 4 + blockCount * 8
  private let state: UnsafeMutablePointer<UInt32>
  private let block: UnsafeMutablePointer<Double>
  private let isa: InstructionSet

  /// `scratch` holds `scratchBytes` bytes and outlives the generator.
  public init(seed: UInt32, scratch: UnsafeMutableRawPointer, isa: InstructionSet = .current) {
    state = scratch.assumingMemoryBound(to: UInt32.self)
    block = (scratch + 624 * 4).assumingMemoryBound(to: Double.self)
    self.isa = isa
    var s = seed
    for i in 0..<624 {
      state[i] = s
      s = 1_812_433_253 &* (s ^ s >> 30) &+ UInt32(i) &+ 1
    }
  }

  /// The next `blockCount` draws, uniform in [0, 1), 53 bits; they stay until the next call.
  public mutating func draw() -> UnsafePointer<Double> {
    #if arch(x86_64)
      if isa >= .avx512 {
        dl_twister_uniform__avx512(state, block)
        return UnsafePointer(block)
      }
      if isa >= .avx2 {
        dl_twister_uniform__avx2(state, block)
        return UnsafePointer(block)
      }
    #endif
    dl_twister_uniform__scalar(state, block)
    return UnsafePointer(block)
  }
}
