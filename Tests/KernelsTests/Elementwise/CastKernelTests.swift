import CKernels
import Kernels
import Tensors
import Testing

@Suite struct CastKernelTests {
  private func cast<A: Element, B: Element>(
    _ x: [A], _: B.Type, _ isa: KernelISA, fill: B
  ) throws -> [B] {
    let f = try #require(
      dl_cast_kernel(Int32(A.dtype.rawValue), Int32(B.dtype.rawValue), isa.rawValue))
    var y = [B](repeating: fill, count: x.count)
    f(x, &y, x.count)
    return y
  }

  /// Every upper half of a float32 with lower halves that lie on, beside and between ties.
  static let floats: [Float] = {
    var all: [Float] = []
    for high in stride(from: 0, to: 65536, by: 3) {
      for low: UInt32 in [0, 1, 0x0FFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001] {
        all.append(Float(bitPattern: UInt32(high) << 16 | low))
      }
    }
    return all
  }()

  @Test func halvesWidenExactly() throws {
    let codes = (0...UInt16.max).map { Float16(bitPattern: $0) }
    for isa in KernelISA.available {
      let y = try cast(codes, Float.self, isa, fill: 0)
      let wrong = zip(codes, y).filter { c, y in
        c.isNaN ? !y.isNaN : Float(c).bitPattern != y.bitPattern
      }
      #expect(wrong.isEmpty, "\(isa): \(wrong.prefix(3))")
    }
  }

  @Test func floatsNarrowToNearestEven() throws {
    for isa in KernelISA.available {
      let y = try cast(Self.floats, Float16.self, isa, fill: 0)
      let wrong = zip(Self.floats, y).filter { x, y in
        x.isNaN ? !y.isNaN : Float16(x).bitPattern != y.bitPattern
      }
      #expect(wrong.isEmpty, "\(isa): \(wrong.prefix(3))")
      let b = try cast(Self.floats, BFloat16.self, isa, fill: BFloat16(0))
      let bad = zip(Self.floats, b).filter { x, y in
        x.isNaN ? !y.float.isNaN : BFloat16(x) != y
      }
      #expect(bad.isEmpty, "\(isa): \(bad.prefix(3))")
    }
  }

  /// A double just beside a tie of float16 rounds once, not by way of a float32 on the tie.
  @Test func doublesRoundOnce() throws {
    var x: [Double] = [65519.999999, 65520, 1e300, -1e300, 1e-300, .nan, .infinity, -0.0]
    for i in 0..<1000 {
      let tie = 1 + (Double(i) + 0.5) * 0x1p-10
      x += [tie, tie.nextUp, tie.nextDown, -tie.nextUp, tie * 0x1p-20, (tie * 0x1p-24).nextDown]
    }
    for isa in KernelISA.available {
      let y = try cast(x, Float16.self, isa, fill: 0)
      let wrong = zip(x, y).filter { x, y in
        x.isNaN ? !y.isNaN : Float16(x).bitPattern != y.bitPattern
      }
      #expect(wrong.isEmpty, "\(isa): \(wrong.prefix(3))")
    }
  }

  @Test func outOfRangeIsDefined() throws {
    let x: [Float] = [
      -1, 300, 3e9, -3e9, 1e19, -1e19, 2e19, .nan, .infinity, -.infinity, 2.9, -2.9,
    ]
    for isa in KernelISA.available {
      #expect(
        try cast(x, Int32.self, isa, fill: 0) == [
          -1, 300, .min, .min, .min, .min, .min, .min, .min, .min, 2, -2,
        ])
      #expect(
        try cast(x, UInt8.self, isa, fill: 0) == [255, 44, 0, 0, 0, 0, 0, 0, 0, 0, 2, 254])
      #expect(
        try cast(x, Int64.self, isa, fill: 0) == [
          -1, 300, 3_000_000_000, -3_000_000_000, .min, .min, .min, .min, .min, .min, 2, -2,
        ])
      #expect(try cast(x, UInt64.self, isa, fill: 0)[4] == UInt64(Float(1e19)))
      #expect(try cast(x, UInt32.self, isa, fill: 0)[..<3] == [.max, 300, 3_000_000_000])
      #expect(
        try cast([0, -0.0, .nan, 0.1] as [Float], Bool.self, isa, fill: false) == [
          false, false, true, true,
        ])
      #expect(try cast([300, -1] as [Int64], UInt8.self, isa, fill: 0) == [44, 255])
      #expect(try cast([true, false], Float.self, isa, fill: 0) == [1, 0])
    }
  }

  /// Every pair of types has a kernel, which stays within its buffers.
  @Test func allPairs() throws {
    for from in ElementwiseKernelTests.dtypes where from.bits <= 64 && from != .complex64 {
      for to in ElementwiseKernelTests.dtypes where to.bits <= 64 && to != .complex64 {
        for isa in KernelISA.available {
          let f = try #require(
            dl_cast_kernel(Int32(from.rawValue), Int32(to.rawValue), isa.rawValue),
            "\(from) \(to)")
          for n in [0, 1, 7, 33, 257] {
            let x = try #require(GuardedMemory(bytes: n * from.byteSize))
            let y = try #require(GuardedMemory(bytes: n * to.byteSize))
            (x.start).initializeMemory(as: UInt8.self, repeating: 0, count: n * from.byteSize)
            (y.start).initializeMemory(as: UInt8.self, repeating: 9, count: n * to.byteSize)
            f(x.start, y.start, n)
            let bytes = UnsafeRawBufferPointer(start: y.start, count: n * to.byteSize)
            #expect(bytes.allSatisfy { $0 == 0 }, "\(from) \(to) \(isa) \(n)")
          }
        }
      }
    }
  }
}
