import Kernels
import Tensors
import Testing

/// Transposed convolutions on blocked images against sums written out, in guarded memory. Elements
/// are small whole numbers: every order of sums gives the same result.
@Suite struct BlockedTransposedPlanTests {
  private static func floats(_ count: Int) throws -> (GuardedMemory, UnsafeMutablePointer<Float>) {
    let memory = try #require(GuardedMemory(bytes: count * 4))
    return (memory, memory.start.assumingMemoryBound(to: Float.self))
  }

  /// Kernels, strides, pads ahead and outputs beyond the last whole one, along both axes.
  static let windows: [(k: (Int, Int), s: (Int, Int), pad: (Int, Int), more: (Int, Int))] = [
    ((2, 2), (2, 2), (0, 0), (0, 0)), ((3, 3), (2, 2), (1, 1), (1, 1)),
    ((4, 4), (2, 2), (1, 1), (0, 0)), ((3, 3), (1, 1), (1, 1), (0, 0)),
    ((5, 2), (3, 1), (0, 1), (0, 0)), ((3, 4), (3, 2), (0, 0), (1, 0)),
    ((1, 4), (1, 2), (0, 1), (0, 0)),
  ]

  @Test(arguments: windows.indices) func everyPhase(_ i: Int) throws {
    let window = Self.windows[i]
    for (isa, lanes) in BlockedConvPlanTests.sets {
      for (input, threads) in [((5, 6), 1), ((1, 1), 1), ((23, 31), 3), ((1, 600), 3)] {
        let (channels, outputs) = (lanes + 3, 2 * lanes + 1)
        let (h, w) = (input.0, input.1)
        let oh = (h - 1) * window.s.0 + window.k.0 - 2 * window.pad.0 + window.more.0
        let ow = (w - 1) * window.s.1 + window.k.1 - 2 * window.pad.1 + window.more.1
        if oh < 1 || ow < 1 { continue }
        let axes = BlockedWindow.Axes(
          input: [h, w], output: [oh, ow], kernel: [window.k.0, window.k.1],
          strides: [window.s.0, window.s.1], dilations: [1, 1],
          pads: [window.pad.0, window.pad.1])
        try #require(BlockedTransposedPlan.takes(axes))
        let (m1, x) = try Self.floats(2 * channels * h * w)
        let (m2, weights) = try Self.floats(channels * outputs * window.k.0 * window.k.1)
        let (m3, bias) = try Self.floats(outputs)
        var want = [Float](repeating: 0, count: 2 * outputs * oh * ow)
        for i in 0..<2 * channels * h * w { x[i] = Float(i * 7 % 11 - 5) }
        for i in 0..<channels * outputs * window.k.0 * window.k.1 {
          weights[i] = Float(i * 5 % 7 - 3)
        }
        for m in 0..<outputs { bias[m] = Float(m % 5) }
        for plane in 0..<2 * outputs {
          for p in 0..<oh * ow { want[plane * oh * ow + p] = bias[plane % outputs] }
        }
        for n in 0..<2 {
          for (c, m) in (0..<channels).flatMap({ c in (0..<outputs).map { (c, $0) } }) {
            for (r, v) in (0..<h).flatMap({ r in (0..<w).map { (r, $0) } }) {
              let element = x[((n * channels + c) * h + r) * w + v]
              for a in 0..<window.k.0 {
                for b in 0..<window.k.1 {
                  let y = r * window.s.0 - window.pad.0 + a
                  let z = v * window.s.1 - window.pad.1 + b
                  guard y >= 0, y < oh, z >= 0, z < ow else { continue }
                  want[((n * outputs + m) * oh + y) * ow + z] +=
                    element * weights[((c * outputs + m) * window.k.0 + a) * window.k.1 + b]
                }
              }
            }
          }
        }
        let into = BlockedMove(
          batch: 2, channels: channels, pixels: h * w, lanes: lanes, isa: isa)
        let out = BlockedMove(
          batch: 2, channels: outputs, pixels: oh * ow, lanes: lanes, isa: isa)
        let (m4, blocked) = try Self.floats(into.blockedCount)
        into.toBlocked(x, into: blocked, pool: .single)
        let (m5, y) = try Self.floats(out.blockedCount)
        for i in 0..<out.blockedCount { y[i] = 1e9 }
        let plan = try BlockedTransposedPlan(
          axes, batch: 2, channels: channels, outputs: outputs, lanes: lanes, weights: weights,
          bias: bias, threads: threads, isa: isa)
        let (m6, scratch) = try Self.floats(plan.scratchBytes / 4)
        plan.run(x: blocked, y: y, scratch: scratch, pool: ThreadPool(threads: threads))
        let (m7, got) = try Self.floats(out.plainCount)
        out.fromBlocked(y, into: got, pool: .single)
        let wrong = want.indices.count { got[$0] != want[$0] }
        #expect(wrong == 0, "\(wrong) of \(want.count): \(window) \(input) \(isa) \(lanes)")
        withExtendedLifetime((m1, m2, m3, m4, m5, m6, m7)) {}
      }
    }
  }

  @Test func whatLeavesGapsIsNotTaken() {
    func takes(_ k: Int, _ s: Int, pad: Int = 0, dilation: Int = 1) -> Bool {
      BlockedTransposedPlan.takes(
        .init(
          input: [5, 5], output: [9, 9], kernel: [k, k], strides: [s, s],
          dilations: [dilation, dilation], pads: [pad, pad]))
    }
    #expect(takes(2, 2))
    #expect(!takes(1, 2))
    #expect(!takes(3, 1, dilation: 2))
    #expect(!takes(3, 1, pad: 4))
  }
}
