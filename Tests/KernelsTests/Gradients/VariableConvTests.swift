import Kernels
import Tensors
import Testing

/// Convolutions whose weights change, and their gradients, against the plans for float64.
@Suite struct VariableConvTests {
  static let sizes = [
    // batch, channels, outputs, height and width, kernel, pad
    [3, 5, 7, 9, 3, 1], [2, 16, 33, 7, 3, 1], [1, 40, 16, 21, 3, 0], [5, 16, 16, 33, 3, 2],
    [2, 3, 9, 30, 5, 2], [1, 2, 12, 50, 3, 1], [4, 6, 17, 14, 5, 0], [2, 4, 8, 70, 7, 3],
    [9, 24, 48, 4, 3, 1], [32, 64, 64, 8, 3, 1], [4, 16, 16, 32, 3, 1], [1, 17, 3, 11, 3, 1],
  ]

  private func geometry(_ s: [Int]) -> ConvGeometry {
    let out = s[3] + 2 * s[5] - s[4] + 1
    return ConvGeometry(
      batch: s[0], groups: 1, channels: s[1], outputs: s[2], input: [s[3], s[3]],
      output: [out, out], kernel: [s[4], s[4]], strides: [1, 1], dilations: [1, 1],
      pads: [s[5], s[5]])
  }

  private func doubles(_ x: TrainingNumbers) -> [Double] { x.values.map { Double($0) } }

  @Test(arguments: sizes) func convolution(s: [Int]) throws {
    let g = geometry(s)
    let x = try TrainingNumbers(g.inputCount, seed: 1)
    let w = try TrainingNumbers(g.weightCount, seed: 2)
    let bias = try TrainingNumbers(g.outputs, seed: 3)
    let wide = ConvPlan(g, element: .float64)
    var want = [Double](repeating: 0, count: g.outputCount)
    let space = try #require(GuardedMemory(bytes: wide.scratchBytes))
    want.withUnsafeMutableBytes { y in
      guard let y = y.baseAddress else { return }
      doubles(x).withUnsafeBytes { x in
        doubles(w).withUnsafeBytes { w in
          doubles(bias).withUnsafeBytes { b in
            guard let x = x.baseAddress, let w = w.baseAddress else { return }
            wide.run(
              x: x, weights: w, bias: b.baseAddress, y: y, scratch: space.start, pool: .single)
          }
        }
      }
    }
    var first: [Float]?
    for threads in [1, 2, 4] {
      let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
      let plan = VariableConvPlan(g, threads: threads)
      let y = try TrainingNumbers(g.outputCount, seed: 4)
      let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
      plan.run(
        x: x.floats, weights: w.floats, bias: bias.floats, y: y.floats, scratch: scratch.start,
        pool: pool)
      #expect(relativeError(y.values, want) <= 1e-5, "\(plan.label) \(s)")
      #expect(first == nil || first == y.values, "\(threads) threads, \(plan.label) \(s)")
      first = y.values
    }
  }

  @Test(arguments: sizes) func gradients(s: [Int]) throws {
    let g = geometry(s)
    let x = try TrainingNumbers(g.inputCount, seed: 1)
    let w = try TrainingNumbers(g.weightCount, seed: 2)
    let dy = try TrainingNumbers(g.outputCount, seed: 3)
    var wantX = [Double](repeating: 0, count: g.inputCount)
    var wantW = [Double](repeating: 0, count: g.weightCount)
    let wideX = try ConvInputGradientPlan(g, element: .float64)
    let wideW = ConvWeightGradientPlan(g, element: .float64)
    let space = try #require(
      GuardedMemory(bytes: max(wideX.scratchBytes, wideW.scratchBytes)))
    doubles(dy).withUnsafeBytes { dy in
      guard let dy = dy.baseAddress else { return }
      wantX.withUnsafeMutableBytes { to in
        doubles(w).withUnsafeBytes { w in
          guard let to = to.baseAddress, let w = w.baseAddress else { return }
          wideX.run(dy: dy, weights: w, dx: to, scratch: space.start, pool: .single)
        }
      }
      wantW.withUnsafeMutableBytes { to in
        doubles(x).withUnsafeBytes { x in
          guard let to = to.baseAddress, let x = x.baseAddress else { return }
          wideW.run(x: x, dy: dy, dw: to, scratch: space.start, pool: .single)
        }
      }
    }
    var first: [[Float]]?
    for threads in [1, 2, 4] {
      let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
      let byX = try ConvInputGradientPlan(g, element: .float32, threads: threads)
      let byW = ConvWeightGradientPlan(g, element: .float32, threads: threads)
      let dx = try TrainingNumbers(g.inputCount, seed: 4)
      let dw = try TrainingNumbers(g.weightCount, seed: 5)
      let one = try #require(GuardedMemory(bytes: byX.scratchBytes))
      let two = try #require(GuardedMemory(bytes: byW.scratchBytes))
      byX.run(dy: dy.floats, weights: w.floats, dx: dx.floats, scratch: one.start, pool: pool)
      byW.run(x: x.floats, dy: dy.floats, dw: dw.floats, scratch: two.start, pool: pool)
      #expect(relativeError(dx.values, wantX) <= 1e-5, "\(byX.label) \(s)")
      #expect(relativeError(dw.values, wantW) <= 1e-5, "\(byW.label) \(s)")
      #expect(first == nil || first == [dx.values, dw.values], "\(threads) threads, \(s)")
      first = [dx.values, dw.values]
    }
  }

  @Test func exactPlansSumPlainly() throws {
    let g = geometry([32, 64, 64, 8, 3, 1])
    #expect(!VariableConvPlan(g, exact: true).label.contains("winograd"))
    #expect(
      !ConvWeightGradientPlan(g, element: .float32, exact: true).label.contains("winograd"))
  }
}
