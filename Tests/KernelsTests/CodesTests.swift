import CKernels
import Kernels
import Testing

/// Sums and products of 8-bit codes on every instruction set, against the formula code by code.
@Suite struct CodesTests {
  private typealias Sum =
    @convention(c) (
      Int, UnsafePointer<UInt8>?, Int, Float, UnsafePointer<UInt8>?, Int, Float, Float, Int32,
      UnsafeMutablePointer<UInt8>?
    ) -> Void
  private typealias Product =
    @convention(c) (
      Int, UnsafePointer<UInt8>?, Int, Float, UnsafePointer<UInt8>?, Int, Float, Float, Float,
      Int32, UnsafeMutablePointer<UInt8>?
    ) -> Void
  #if arch(x86_64)
    private static let sums: [Sum] = [
      dl_codes_sum__scalar, dl_codes_sum__avx2, dl_codes_sum__avx512,
    ]
    private static let products: [Product] = [
      dl_codes_product__scalar, dl_codes_product__avx2, dl_codes_product__avx512,
    ]
  #else
    private static let sums: [Sum] = [dl_codes_sum__scalar]
    private static let products: [Product] = [dl_codes_product__scalar]
  #endif

  private func number(_ code: UInt8, _ isSigned: Bool) -> Float {
    isSigned ? Float(Int8(bitPattern: code)) : Float(code)
  }
  private func code(_ v: Float, _ isSigned: Bool) -> UInt8 {
    let low: Float = isSigned ? -128 : 0
    let whole = min(max(v, low), low + 255).rounded(.toNearestOrEven)
    return UInt8(truncatingIfNeeded: Int(whole))
  }

  @Test(arguments: KernelISA.available, [false, true]) func equalsTheFormula(
    isa: KernelISA, isSigned: Bool
  ) throws {
    guard Int(isa.rawValue) < Self.sums.count else { return }
    let (sum, product) = (Self.sums[Int(isa.rawValue)], Self.products[Int(isa.rawValue)])
    for n in [1, 3, 16, 31, 64, 133] {
      for (sa, sb) in [(1, 1), (1, 0), (0, 1), (0, 0)] {
        let a = try #require(GuardedMemory(bytes: sa == 1 ? n : 1))
        let b = try #require(GuardedMemory(bytes: sb == 1 ? n : 1))
        let y = try #require(GuardedMemory(bytes: n))
        let (p, q, r) = (
          a.start.assumingMemoryBound(to: UInt8.self), b.start.assumingMemoryBound(to: UInt8.self),
          y.start.assumingMemoryBound(to: UInt8.self)
        )
        for i in 0..<(sa == 1 ? n : 1) { p[i] = UInt8(truncatingIfNeeded: i &* 37 &+ 200) }
        for i in 0..<(sb == 1 ? n : 1) { q[i] = UInt8(truncatingIfNeeded: i &* 101 &+ 90) }
        var wrong = 0
        sum(n, p, sa, 0.3, q, sb, 0.71, 1.3, isSigned ? 1 : 0, r)
        for i in 0..<n {
          let (u, v) = (number(p[i * sa], isSigned), number(q[i * sb], isSigned))
          let inner = Float(1.3).addingProduct(v, 0.71)
          if r[i] != code(inner.addingProduct(u, 0.3), isSigned) { wrong += 1 }
        }
        product(n, p, sa, 3, q, sb, 7, 0.013, 5, isSigned ? 1 : 0, r)
        for i in 0..<n {
          let (u, v) = (number(p[i * sa], isSigned) - 3, number(q[i * sb], isSigned) - 7)
          if r[i] != code(u * v * 0.013 + 5, isSigned) { wrong += 1 }
        }
        #expect(wrong == 0, "\(isa) \(isSigned) \(n) \(sa) \(sb)")
      }
    }
  }
}
