import Kernels
import Tensors
import Testing

/// Numbers between bounds, on every instruction set.
@Suite struct ClipKernelTests {
  private func check<T: Comparable>(
    _ dtype: DType, _ x: [T], _ low: T, _ high: T, _ isa: KernelISA
  ) throws {
    let kernel = try #require(ClipKernel(dtype, isa: isa))
    for n in [0, 1, 5, 16, 31, x.count] {
      var y = x
      withUnsafeBytes(of: low) { l in
        withUnsafeBytes(of: high) { h in
          x.withUnsafeBytes { x in
            y.withUnsafeMutableBytes { y in
              guard let l = l.baseAddress, let h = h.baseAddress, let x = x.baseAddress,
                let y = y.baseAddress
              else { return }
              kernel.run(count: n, x, low: l, high: h, y)
            }
          }
        }
      }
      for i in 0..<n where x[i] == x[i] { #expect(y[i] == min(max(x[i], low), high)) }
      for i in 0..<n where x[i] != x[i] { #expect(y[i] != y[i]) }
      for i in n..<x.count where x[i] == x[i] { #expect(y[i] == x[i]) }
    }
  }

  @Test(arguments: KernelISA.available) func equalsTheFormula(isa: KernelISA) throws {
    let whole = (0..<67).map { Int32($0 * 37 % 67 - 30) }
    try check(.int32, whole, -7, 11, isa)
    try check(.int32, whole, 11, -7, isa)
    var floats = whole.map { Float($0) / 4 }
    (floats[3], floats[20], floats[66]) = (.nan, .infinity, -.infinity)
    try check(.float32, floats, -1.25, 2.5, isa)
    try check(.float64, floats.map { Double($0) }, -1.25, 2.5, isa)
    #expect(ClipKernel(.int8, isa: isa) == nil)
  }
}
