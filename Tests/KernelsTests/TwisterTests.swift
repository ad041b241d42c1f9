import CKernels
import Kernels
import Testing

/// MT19937 against NumPy, and what numbers become by chance against the formula.
@Suite struct TwisterTests {
  private func draws(_ isa: InstructionSet, seed: UInt32, blocks: Int) throws -> [Double] {
    let scratch = try #require(GuardedMemory(bytes: MersenneTwister.scratchBytes))
    var random = MersenneTwister(seed: seed, scratch: scratch.start, isa: isa)
    var list: [Double] = []
    for _ in 0..<blocks {
      list += UnsafeBufferPointer(start: random.draw(), count: MersenneTwister.blockCount)
    }
    return list
  }

  @Test func equalsNumPy() throws {
    // numpy.random.RandomState(5).random_sample(312)
    let list = try draws(.scalar, seed: 5, blocks: 1)
    #expect(list[0] == 0.22199317108973948 && list[311] == 0.9985157672628341)
    for isa in InstructionSet.allCases where isa <= .detected {
      #expect(try draws(isa, seed: 91, blocks: 5) == draws(.scalar, seed: 91, blocks: 5))
    }
  }

  private typealias Drop =
    @convention(c) (
      Int, UnsafePointer<Double>?, Double, Float, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<UInt8>?
    ) -> Void
  private typealias Below =
    @convention(c) (
      Int, UnsafePointer<Double>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?
    ) -> Int32
  #if arch(x86_64)
    private static let drops: [Drop] = [
      dl_drop_f32__scalar, dl_drop_f32__avx2, dl_drop_f32__avx512,
    ]
    private static let belows: [Below] = [
      dl_bernoulli_f32__scalar, dl_bernoulli_f32__avx2, dl_bernoulli_f32__avx512,
    ]
  #else
    private static let drops: [Drop] = [dl_drop_f32__scalar]
    private static let belows: [Below] = [dl_bernoulli_f32__scalar]
  #endif

  @Test(arguments: KernelISA.available) func chances(isa: KernelISA) throws {
    guard Int(isa.rawValue) < Self.drops.count else { return }
    let (drop, isBelow) = (Self.drops[Int(isa.rawValue)], Self.belows[Int(isa.rawValue)])
    let drawn = try draws(.scalar, seed: 3, blocks: 1)
    for n in [1, 7, 16, 33, 312] {
      let x = (0..<n).map { Float($0 * 37 % 101) / 100 }
      var (y, mask) = ([Float](repeating: 9, count: n + 1), [UInt8](repeating: 9, count: n + 1))
      drop(n, drawn, 0.4, 1.5, x, &y, &mask)
      for i in 0..<n {
        #expect(y[i] == (drawn[i] >= 0.4 ? x[i] * 1.5 : 0) && mask[i] == (drawn[i] >= 0.4 ? 1 : 0))
      }
      #expect(y[n] == 9 && mask[n] == 9)
      #expect(isBelow(n, drawn, x, &y) == 0)
      for i in 0..<n { #expect(y[i] == (drawn[i] < Double(x[i]) ? 1 : 0)) }
      for wrong in [-0.001, 1.001, Float.nan] {
        var bad = x
        bad[n - 1] = wrong
        #expect(isBelow(n, drawn, bad, &y) != 0)
      }
    }
  }
}
