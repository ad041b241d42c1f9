import Kernels
import Tensors
import Testing

/// Convolutions over three axes on planes in blocks, against sums written out in float64, in guarded
/// memory.
@Suite struct BlockedVolumePlanTests {
  private struct Case {
    let channels: Int
    let outputs: Int
    let input: [Int]
    let kernel: [Int]
    var strides = [1, 1, 1]
    var pads = [0, 0, 0]
    var batch = 2
  }

  private static let cases = [
    Case(
      channels: 3, outputs: 20, input: [4, 9, 11], kernel: [3, 7, 7], strides: [1, 2, 2],
      pads: [1, 3, 3]),
    Case(channels: 16, outputs: 32, input: [5, 14, 14], kernel: [3, 3, 3], pads: [1, 1, 1]),
    Case(channels: 37, outputs: 33, input: [3, 9, 8], kernel: [3, 3, 3], pads: [1, 1, 1]),
    Case(
      channels: 32, outputs: 48, input: [8, 6, 7], kernel: [3, 3, 3], strides: [2, 2, 2],
      pads: [1, 1, 1]),
    Case(channels: 24, outputs: 16, input: [6, 5, 5], kernel: [3, 1, 1], pads: [1, 0, 0]),
    Case(
      channels: 24, outputs: 16, input: [2, 12, 10], kernel: [1, 3, 3], pads: [0, 1, 1], batch: 1),
    Case(
      channels: 40, outputs: 9, input: [2, 4, 4], kernel: [5, 2, 3], strides: [3, 1, 2],
      pads: [4, 0, 1]),
  ]

  @Test(arguments: cases.indices) func everySum(_ i: Int) throws {
    let c = Self.cases[i]
    let output = (0..<3).map { (c.input[$0] + 2 * c.pads[$0] - c.kernel[$0]) / c.strides[$0] + 1 }
    let g = ConvGeometry(
      batch: c.batch, groups: 1, channels: c.channels, outputs: c.outputs, input: c.input,
      output: output, kernel: c.kernel, strides: c.strides, dilations: [1, 1, 1], pads: c.pads)
    let x = (0..<g.inputCount).map { Float(($0 * 37 + $0 / 11) % 101) / 50 - 1 }
    let w = (0..<g.weightCount).map { Float(($0 * 53 + $0 / 7) % 89) / 400 - 0.11 }
    let bias = (0..<c.outputs).map { Float($0 % 7) / 4 - 0.5 }
    let want = Self.sums(g, x, w, bias)
    let largest = want.reduce(1) { max($0, abs($1)) }
    for isa in [InstructionSet.avx2, .avx512] where isa <= .current {
      for (threads, exact) in [(1, true), (3, false)] where BlockedVolumePlan.takes(g, isa: isa) {
        let plan = try BlockedVolumePlan(
          g, finish: .relu, weights: w, bias: bias, exact: exact, threads: threads, isa: isa)
        let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
        let given = try #require(GuardedMemory(bytes: g.inputCount * 4))
        let result = try #require(GuardedMemory(bytes: g.outputCount * 4))
        given.start.copyMemory(from: x, byteCount: g.inputCount * 4)
        let y = result.start.assumingMemoryBound(to: Float.self)
        plan.run(
          x: given.start.assumingMemoryBound(to: Float.self), y: y, scratch: scratch.start,
          pool: ThreadPool(threads: threads))
        let error = want.indices.reduce(0) { max($0, abs(Double(y[$1]) - max(want[$1], 0))) }
        #expect(error <= 2e-5 * largest, "\(plan.label): \(error) of \(largest)")
        withExtendedLifetime((scratch, given, result)) {}
      }
    }
    #expect(BlockedVolumePlan.takes(g) || InstructionSet.current < .avx2)
  }

  private static func sums(
    _ g: ConvGeometry, _ x: [Float], _ w: [Float], _ bias: [Float]
  ) -> [Double] {
    var y: [Double] = []
    for n in 0..<g.batch {
      for m in 0..<g.outputs {
        for place in 0..<g.outputPixels {
          let at = [
            place / (g.output[1] * g.output[2]), place / g.output[2] % g.output[1],
            place % g.output[2],
          ]
          var sum = Double(bias[m])
          for c in 0..<g.channels {
            for tap in 0..<g.taps {
              let t = [
                tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                tap % g.kernel[2],
              ]
              let p = (0..<3).map { at[$0] * g.strides[$0] - g.pads[$0] + t[$0] }
              guard (0..<3).allSatisfy({ p[$0] >= 0 && p[$0] < g.input[$0] }) else { continue }
              let from = (p[0] * g.input[1] + p[1]) * g.input[2] + p[2]
              sum +=
                Double(x[(n * g.channels + c) * g.inputPixels + from])
                * Double(w[(m * g.channels + c) * g.taps + tap])
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }
}
