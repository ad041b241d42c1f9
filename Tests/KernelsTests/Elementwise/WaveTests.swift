import Glibc
import Kernels
import Tensors
import Testing

/// Sine, cosine and tangent of float32 within 1 ulp of those in double, far beyond the range of the polynomials
/// too, and equal whatever stands beside a number.
@Suite struct WaveTests {
  @Test(arguments: [UnaryOp.sin, .cos, .tan]) func equalsTheLibrary(op: UnaryOp) throws {
    var x: [Float] = [0, -0.0, .infinity, -.infinity, .nan, 1e6, -1e6, 1.0001e6, 3e7, 1e30]
    x.append(-Float.leastNonzeroMagnitude * 9)
    for i in 0..<4000 { x.append((Float(i) - 2000) * 0.0531) }
    for i in 1..<600 { x.append(Float(Double(i) * Double.pi / 2)) }
    for i in 0..<300 { x.append(Float(i) * 3331.7 - 5e5) }
    for isa in KernelISA.allCases where isa.rawValue <= KernelISA.best.rawValue {
      let kernel = try #require(UnaryKernel(op, .float32, isa: isa))
      var y = x
      kernel.run(count: x.count, x, &y)
      for (a, b) in zip(x, y) {
        let want =
          op == .sin
          ? Glibc.sin(Double(a)) : op == .cos ? Glibc.cos(Double(a)) : Glibc.tan(Double(a))
        if want.isNaN {
          #expect(b.isNaN)
          continue
        }
        let ulp = Double(max(Float(want).magnitude, .leastNormalMagnitude).ulp)
        #expect(abs(Double(b) - want) <= ulp, "\(a)")
      }
      #expect(op == .cos || y[1].sign == .minus)
      for i in [0, 7, 20, 777] {
        var alone: [Float] = [0]
        kernel.run(count: 1, [x[i]], &alone)
        #expect(alone[0].bitPattern == y[i].bitPattern)
      }
    }
  }
}
