import Kernels
import Tensors
import Testing

/// A 1x1 and a depthwise convolution by bands of rows or sections of channels against the two plans one after the other.
@Suite struct BlockedExpandPlanTests {
  private static func floats(_ count: Int) throws -> (GuardedMemory, UnsafeMutablePointer<Float>) {
    let memory = try #require(GuardedMemory(bytes: count * 4))
    return (memory, memory.start.assumingMemoryBound(to: Float.self))
  }

  /// Kernel, stride, dilation, pad.
  static let windows = [
    (3, 1, 1, 1), (3, 2, 1, 1), (5, 1, 1, 2), (5, 2, 1, 2), (3, 1, 2, 2), (7, 2, 1, 0),
    (2, 3, 1, 0),
  ]

  @Test(arguments: windows.indices) func bitsOfTheTwoPlans(_ i: Int) throws {
    let (kernel, stride, dilation, pad) = Self.windows[i]
    for (isa, lanes) in BlockedConvPlanTests.sets {
      for (h, w, wide) in [(7, 7, 5), (7, 7, 20), (20, 40, 20), (37, 150, 5), (61, 90, 5)] {
        let (channels, middle) = (lanes + 3, wide * lanes - 9)
        func size(_ n: Int) -> Int { (n + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1 }
        let (oh, ow) = (size(h), size(w))
        let axes = BlockedWindow.Axes(
          input: [h, w], output: [oh, ow], kernel: [kernel, kernel], strides: [stride, stride],
          dilations: [dilation, dilation], pads: [pad, pad])
        let (inBlocks, blocks) = ((channels + lanes - 1) / lanes, (middle + lanes - 1) / lanes)
        let (m1, x) = try Self.floats(2 * inBlocks * h * w * lanes)
        let (m2, weights) = try Self.floats(middle * channels)
        let (m3, depths) = try Self.floats(middle * kernel * kernel)
        let (m4, bias) = try Self.floats(middle)
        for j in 0..<2 * inBlocks * h * w * lanes { x[j] = Float(j * 37 % 101) / 16 - 3 }
        for j in 0..<middle * channels { weights[j] = Float(j * 29 % 97) / 32 - 1.5 }
        for j in 0..<middle * kernel * kernel { depths[j] = Float(j * 31 % 89) / 64 - 0.7 }
        for j in 0..<middle { bias[j] = Float(j % 7) / 4 - 0.8 }
        let swish = BlockedFinish.unary(.swish, 1, 0, keepsZero: true)
        let g = ConvGeometry(
          batch: 2, groups: 1, channels: channels, outputs: middle, input: [h, w], output: [h, w],
          kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0])
        let first = try BlockedConvPlan(
          g, lanes: lanes, isPlain: false, finish: swish, weights: weights, bias: bias, isa: isa)
        let second = try BlockedWindow(
          depthwise: axes, batch: 2, channels: middle, lanes: lanes, finish: .relu,
          weights: depths, bias: bias, isa: isa)
        let (m5, between) = try Self.floats(2 * blocks * h * w * lanes)
        let (m6, want) = try Self.floats(2 * blocks * oh * ow * lanes)
        let (m7, scratch) = try Self.floats(first.scratchBytes / 4)
        first.run(x: x, residual: nil, y: between, scratch: scratch, pool: .single)
        second.run(x: between, y: want, pool: .single)
        for threads in [1, 3] {
          let plan = try BlockedExpandPlan(
            axes, batch: 2, channels: channels, middle: middle, lanes: lanes, finish: swish,
            depthFinish: .relu, weights: weights, bias: bias, depthWeights: depths,
            depthBias: bias, threads: threads, isa: isa)
          let (m8, got) = try Self.floats(2 * blocks * oh * ow * lanes)
          let (m9, work) = try Self.floats(plan.scratchBytes / 4)
          for j in 0..<2 * blocks * oh * ow * lanes { got[j] = 1e9 }
          plan.run(x: x, y: got, scratch: work, pool: ThreadPool(threads: threads))
          let wrong = (0..<2 * blocks * oh * ow * lanes).count {
            got[$0].bitPattern != want[$0].bitPattern
          }
          #expect(wrong == 0, "\(wrong) wrong: \(Self.windows[i]) \(h) \(w) \(isa) \(threads)")
          withExtendedLifetime((m8, m9)) {}
        }
        withExtendedLifetime((m1, m2, m3, m4, m5, m6, m7)) {}
      }
    }
  }
}
