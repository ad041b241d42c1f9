import Kernels
import Tensors
import Testing

/// Few outputs with constant weights, summed over planes, against the plans for float64.
@Suite(.enabled(if: InstructionSet.current >= .avx512)) struct PlaneConvTests {
  static let sizes = [
    // batch, channels, outputs, height, width, kernel, pad
    [1, 1, 6, 28, 28, 5, 2], [2, 5, 3, 9, 12, 3, 1], [1, 40, 1, 21, 70, 3, 0],
    [1, 64, 3, 40, 130, 3, 1], [3, 3, 8, 58, 58, 7, 0], [1, 33, 4, 1, 3001, 7, 3],
    [2, 128, 2, 1, 700, 3, 5], [1, 7, 5, 3, 20, 3, 2], [1, 2, 7, 5, 64, 1, 0],
  ]

  private func geometry(_ s: [Int]) -> ConvGeometry {
    let k = s[3] == 1 ? [1, s[5]] : [s[5], s[5]]
    let pads = s[3] == 1 ? [0, s[6]] : [s[6], s[6]]
    return ConvGeometry(
      batch: s[0], groups: 1, channels: s[1], outputs: s[2], input: [s[3], s[4]],
      output: [s[3] + 2 * pads[0] - k[0] + 1, s[4] + 2 * pads[1] - k[1] + 1], kernel: k,
      strides: [1, 1], dilations: [1, 1], pads: pads)
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
    wide.run(
      x: doubles(x), weights: doubles(w), bias: doubles(bias), y: &want, scratch: space.start,
      pool: .single)
    var first: [Float]?
    for threads in [1, 2, 4] {
      guard let plan = try PlaneConvPlan.few(g, weights: w.floats, threads: threads) else {
        #expect(s[5] == 1)
        continue
      }
      let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
      let y = try TrainingNumbers(g.outputCount, seed: 4)
      let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
      plan.run(
        x: x.floats, weights: w.floats, isTurned: false, bias: bias.floats, y: y.floats,
        scratch: scratch.start, pool: pool)
      #expect(relativeError(y.values, want) <= 1e-5, "\(s)")
      #expect(first == nil || first == y.values, "\(threads) threads, \(s)")
      first = y.values
    }
  }

  @Test(arguments: [
    // channels, outputs, height, width, kernel, stride, pad, output's height and width
    [5, 1, 7, 30, 9, 3, 4, 21, 90], [16, 3, 5, 12, 4, 2, 1, 10, 24],
    [3, 2, 6, 13, 3, 2, 0, 13, 27],
    [9, 1, 1, 200, 16, 8, 4, 1, 1600], [4, 8, 4, 20, 3, 2, 1, 8, 40],
    [2, 1, 3, 40, 5, 3, 1, 9, 120],
  ]) func transposed(s: [Int]) throws {
    let isLine = s[2] == 1
    func axes(_ n: Int, _ one: Int) -> [Int] { isLine ? [one, n] : [n, n] }
    let g = ConvGeometry(
      batch: 2, groups: 1, channels: s[1], outputs: s[0], input: [s[7], s[8]],
      output: [s[2], s[3]], kernel: axes(s[4], 1), strides: axes(s[5], 1), dilations: [1, 1],
      pads: axes(s[6], 0), keepsAxes: true)
    let x = try TrainingNumbers(g.outputCount, seed: 1)
    let w = try TrainingNumbers(g.weightCount, seed: 2)
    let bias = try TrainingNumbers(g.channels, seed: 3)
    let wide = try ConvTransposePlan(g, element: .float64)
    var want = [Double](repeating: 0, count: g.inputCount)
    let space = try #require(GuardedMemory(bytes: wide.scratchBytes))
    wide.run(
      x: doubles(x), weights: doubles(w), bias: doubles(bias), y: &want, scratch: space.start,
      pool: .single)
    var first: [Float]?
    for threads in [1, 3] {
      let plan = try #require(
        try PlaneTransposePlan(g, weights: w.floats, threads: threads), "\(s)")
      let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
      let y = try TrainingNumbers(g.inputCount, seed: 4)
      let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
      plan.run(x: x.floats, bias: bias.floats, y: y.floats, scratch: scratch.start, pool: pool)
      #expect(relativeError(y.values, want) <= 1e-5, "\(s)")
      #expect(first == nil || first == y.values, "\(threads) threads, \(s)")
      first = y.values
    }
  }
}
