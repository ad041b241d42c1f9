import CKernels
import Kernels
import Tensors
import Testing

@Suite struct WhereKernelTests {
  @Test(arguments: [1, 2, 4, 8, 16]) func picks(_ width: Int) throws {
    for isa in KernelISA.available {
      let f = try #require(dl_where_kernel(Int32(width), isa.rawValue))
      for n in [0, 1, 3, 16, 33, 130] {
        for mask in 0..<8 {
          let (sc, sa, sb) = (mask & 1, mask >> 1 & 1, mask >> 2 & 1)
          func room(_ s: Int) -> Int { s == 0 ? min(n, 1) : n }
          let c = try #require(GuardedMemory(bytes: room(sc)))
          let a = try #require(GuardedMemory(bytes: room(sa) * width))
          let b = try #require(GuardedMemory(bytes: room(sb) * width))
          let y = try #require(GuardedMemory(bytes: n * width))
          for i in 0..<room(sc) {
            c.start.storeBytes(of: UInt8(i * 7 % 3 == 0 ? 1 : 0), toByteOffset: i, as: UInt8.self)
          }
          for i in 0..<room(sa) * width {
            a.start.storeBytes(of: UInt8(i % 120), toByteOffset: i, as: UInt8.self)
          }
          for i in 0..<room(sb) * width {
            b.start.storeBytes(of: UInt8(128 + i % 120), toByteOffset: i, as: UInt8.self)
          }
          f(c.start.assumingMemoryBound(to: UInt8.self), a.start, b.start, y.start, n, sc, sa, sb)
          var wrong = 0
          for i in 0..<n {
            let on = c.start.load(fromByteOffset: i * sc, as: UInt8.self) != 0
            for k in 0..<width {
              let from = on ? a.start + i * sa * width + k : b.start + i * sb * width + k
              if y.start.load(fromByteOffset: i * width + k, as: UInt8.self)
                != from.load(as: UInt8.self)
              {
                wrong += 1
              }
            }
          }
          #expect(wrong == 0, "\(width) bytes, \(isa), \(n), strides \(sc) \(sa) \(sb)")
        }
      }
    }
  }

  @Test func refusesOtherWidths() { #expect(dl_where_kernel(3, 0) == nil) }
}
