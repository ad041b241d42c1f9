import Kernels
import Tensors
import Testing

/// Convolutions tap by tap against the direct sum, in guarded memory. Elements are small whole numbers:
/// every order of sums gives the same result.
@Suite struct BlockedTapsPlanTests {
  private static func floats(_ count: Int, _ value: (Int) -> Int) throws -> (
    GuardedMemory, UnsafeMutablePointer<Float>
  ) {
    let memory = try #require(GuardedMemory(bytes: count * 4))
    let start = memory.start.assumingMemoryBound(to: Float.self)
    for i in 0..<count { start[i] = Float(value(i)) }
    return (memory, start)
  }

  private static func geometry(
    _ channels: Int, _ outputs: Int, _ size: Int, kernel: Int = 3, dilation: Int
  ) -> ConvGeometry {
    ConvGeometry(
      batch: 2, groups: 1, channels: channels, outputs: outputs, input: [size, size + 3],
      output: [size, size + 3], kernel: [kernel, kernel], strides: [1, 1],
      dilations: [dilation, dilation],
      pads: [kernel / 2 * dilation, kernel / 2 * dilation])
  }

  @Test(arguments: BlockedConvPlanTests.sets.indices) func equalsTheDirectSum(_ i: Int) throws {
    let (isa, lanes) = BlockedConvPlanTests.sets[i]
    if isa == .scalar { return }
    for (kernel, dilation) in [(3, 1), (3, 6), (3, 20), (5, 4)] {
      for (outputs, isAdded) in [(lanes, false), (3 * lanes - 3, true), (2 * lanes + 5, false)] {
        let g = Self.geometry(lanes + 5, outputs, 15, kernel: kernel, dilation: dilation)
        let blocks = ((g.channels + lanes - 1) / lanes, (outputs + lanes - 1) / lanes)
        // Lanes beyond the last channel are 0.
        let (m1, x) = try Self.floats(2 * blocks.0 * g.inputPixels * lanes) { at in
          let channel = at / lanes / g.inputPixels % blocks.0 * lanes + at % lanes
          return channel < g.channels ? at * 7 % 11 - 5 : 0
        }
        let (m2, w) = try Self.floats(g.weightCount) { $0 * 5 % 7 - 3 }
        let (m3, b) = try Self.floats(outputs) { $0 % 5 }
        let count = 2 * blocks.1 * g.outputPixels * lanes
        let (m4, z) = try Self.floats(count) { at in
          let channel = at / lanes / g.outputPixels % blocks.1 * lanes + at % lanes
          return channel < outputs ? at % 3 : 0
        }
        let (m5, want) = try Self.floats(count) { _ in 99 }
        let direct = try BlockedConvPlan(
          g, lanes: lanes, isPlain: false, finish: .relu, weights: w, bias: b, isa: isa)
        let (m6, scratch) = try Self.floats(direct.scratchBytes / 4) { _ in 0 }
        direct.run(
          x: x, residual: isAdded ? z : nil, y: want, scratch: scratch, pool: .single)
        for threads in [1, 3] {
          let plan = try BlockedTapsPlan(
            g, lanes: lanes, finish: .relu, weights: w, bias: b, threads: threads, isa: isa)
          let (m7, got) = try Self.floats(count) { _ in -7 }
          let pool = ThreadPool(threads: threads)
          plan.run(x: x, residual: isAdded ? z : nil, y: got, pool: pool)
          #expect((0..<count).allSatisfy { got[$0] == want[$0] }, "\(g) \(isa) \(threads)")
          if isAdded {
            for at in 0..<count { got[at] = z[at] }
            plan.run(x: x, residual: got, y: got, pool: pool)
            #expect((0..<count).allSatisfy { got[$0] == want[$0] }, "in place \(g) \(isa)")
          }
          withExtendedLifetime(m7) {}
        }
        withExtendedLifetime((m1, m2, m3, m4, m5, m6)) {}
      }
    }
  }

  @Test func paysWhereTapsMeetLittle() {
    func pays(_ size: Int, dilation: Int) -> Bool {
      let g = Self.geometry(512, 64, size, dilation: dilation)
      let form = BlockedWinogradPlan.form(
        g, lanes: 8, finish: .relu, exact: false, isa: .avx2)
      return BlockedTapsPlan.pays(g, lanes: 8, finish: .relu, form: form, isa: .avx2)
    }
    #expect(pays(32, dilation: 24))
    #expect(!pays(32, dilation: 1))
    #expect(!pays(64, dilation: 2))
  }
}
