import Glibc
import Kernels
import Tensors
import Testing

/// Functions of float64 that are not the C library's, against it.
@Suite struct DoubleFunctionTests {
  private func sigmoid(_ x: Double) -> Double {
    x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x))
  }

  @Test(arguments: KernelISA.available) func nearTheLibrary(isa: KernelISA) throws {
    var x: [Double] = []
    for scale in [1e-300, 1e-9, 0.3, 0.625, 1, 5, 40, 720, 760] {
      for i in -400...400 { x.append(Double(i) / 399.5 * scale) }
    }
    for (op, bound, want) in [
      (UnaryOp.exp, 1.5, Glibc.exp), (.tanh, 3, Glibc.tanh), (.sigmoid, 4, sigmoid),
    ] as [(UnaryOp, Double, (Double) -> Double)] {
      let kernel = try #require(UnaryKernel(op, .float64, isa: isa))
      var y = [Double](repeating: 0, count: x.count)
      kernel.run(count: x.count, x, &y)
      var worst = 0.0
      for (v, got) in zip(x, y) {
        let right = want(v)
        if got == right { continue }
        worst = max(worst, abs(got - right) / max(right.magnitude.ulp, .leastNonzeroMagnitude))
      }
      #expect(worst <= bound, "\(op) \(isa)")
    }
  }

  @Test(arguments: KernelISA.available) func edges(isa: KernelISA) throws {
    let x = [Double.nan, .infinity, -.infinity, 0, -0.0, 1e300, -1e300, 709.7, -745]
    var y = x
    try #require(UnaryKernel(.exp, .float64, isa: isa)).run(count: x.count, x, &y)
    #expect(y[0].isNaN)
    #expect(Array(y[1...6]) == [.infinity, 0, 1, 1, .infinity, 0])
    #expect(y[7].isFinite && y[8] == .leastNonzeroMagnitude)
    try #require(UnaryKernel(.tanh, .float64, isa: isa)).run(count: x.count, x, &y)
    #expect(y[0].isNaN)
    #expect(Array(y[1...]) == [1, -1, 0, 0, 1, -1, 1, -1])
    #expect(y[4].sign == .minus)
    try #require(UnaryKernel(.sigmoid, .float64, isa: isa)).run(count: x.count, x, &y)
    #expect(y[0].isNaN)
    #expect(Array(y[1...6]) == [1, 0, 0.5, 0.5, 1, 0])
  }
}
