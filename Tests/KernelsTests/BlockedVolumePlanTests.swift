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
    let g = Self.geometry(c, groups: 1)
    let x = Self.numbers(g.inputCount, 37, 101, scale: 0.02, shift: 1)
    let w = Self.numbers(g.weightCount, 53, 89, scale: 0.0025, shift: 0.11)
    let bias = Self.numbers(c.outputs, 1, 7, scale: 0.25, shift: 0.5)
    let want = Self.sums(g, x, w, bias)
    let largest: Double = want.reduce(1) { max($0, abs($1)) }
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
        var error = 0.0
        for (k, sum) in want.enumerated() { error = max(error, abs(Double(y[k]) - max(sum, 0))) }
        #expect(error <= 2e-5 * largest, "\(plan.label): \(error) of \(largest)")
        withExtendedLifetime((scratch, given, result)) {}
      }
    }
    #expect(BlockedVolumePlan.takes(g) || InstructionSet.current < .avx2)
  }

  /// Volumes in blocks on both sides, with a residual that the result takes the place of.
  @Test(arguments: cases.indices) func betweenBlocks(_ i: Int) throws {
    let c = Self.cases[i]
    let g = Self.geometry(c, groups: 1)
    let x = Self.numbers(g.inputCount, 37, 101, scale: 0.02, shift: 1)
    let w = Self.numbers(g.weightCount, 53, 89, scale: 0.0025, shift: 0.11)
    let bias = Self.numbers(c.outputs, 1, 7, scale: 0.25, shift: 0.5)
    let want = Self.sums(g, x, w, bias)
    for (isa, lanes) in [(InstructionSet.avx2, 8), (.avx512, 16)] where isa <= .current {
      let plan = try BlockedVolumePlan(
        g, finish: .relu, weights: w, bias: bias, isBlocked: (true, true), threads: 3, lanes: lanes,
        isa: isa)
      let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
      try Self.check(g, lanes, x, want, plan.label) { x, y in
        plan.run(
          x: x, residual: y, y: y, scratch: scratch.start, pool: ThreadPool(threads: 3))
      }
      withExtendedLifetime(scratch) {}
    }
  }

  @Test(arguments: cases.indices) func depthwise(_ i: Int) throws {
    let c = Self.cases[i]
    let each = Case(
      channels: c.channels, outputs: c.channels, input: c.input, kernel: c.kernel,
      strides: c.strides, pads: c.pads, batch: c.batch)
    let g = Self.geometry(each, groups: c.channels)
    let x = Self.numbers(g.inputCount, 37, 101, scale: 0.02, shift: 1)
    let w = Self.numbers(g.weightCount, 53, 89, scale: 0.0025, shift: 0.11)
    let bias = Self.numbers(c.channels, 1, 7, scale: 0.25, shift: 0.5)
    let want = Self.sums(g, x, w, bias)
    let sets = [(InstructionSet.scalar, 8), (.scalar, 16), (.avx2, 8), (.avx512, 16)]
    for (isa, lanes) in sets where isa <= .current {
      let window = try BlockedWindow(
        depthwise: g, lanes: lanes, finish: .relu, weights: w, bias: bias, threads: 3, isa: isa)
      try Self.check(g, lanes, x, want, window.label) { x, y in
        window.run(x: x, residual: y, y: y, pool: ThreadPool(threads: 3))
      }
    }
  }

  /// Groups that are narrower than a block, on images and volumes.
  @Test(arguments: [2, 4, 8]) func narrowGroups(_ size: Int) throws {
    let cases = [
      Case(channels: 24, outputs: 24, input: [1, 9, 19], kernel: [1, 3, 3], pads: [0, 1, 1]),
      Case(
        channels: 40, outputs: 40, input: [1, 12, 11], kernel: [1, 5, 7], strides: [1, 2, 2],
        pads: [0, 2, 3]),
      Case(channels: 16, outputs: 16, input: [4, 5, 6], kernel: [3, 3, 3], pads: [1, 1, 1]),
      Case(channels: 16, outputs: 16, input: [1, 7, 6], kernel: [1, 2, 1]),
    ]
    for c in cases {
      let g = Self.geometry(c, groups: c.channels / size)
      let x = Self.numbers(g.inputCount, 37, 101, scale: 0.02, shift: 1)
      let w = Self.numbers(g.weightCount, 53, 89, scale: 0.0025, shift: 0.11)
      let bias = Self.numbers(c.channels, 1, 7, scale: 0.25, shift: 0.5)
      let want = Self.sums(g, x, w, bias)
      let sets = [(InstructionSet.scalar, 16), (.avx2, 8), (.avx512, 16)]
      for (isa, lanes) in sets where isa <= .current && size < lanes {
        #expect(BlockedWindow.takes(g, lanes: lanes))
        let window = try BlockedWindow(
          depthwise: g, lanes: lanes, finish: .relu, weights: w, bias: bias, threads: 3, isa: isa)
        try Self.check(g, lanes, x, want, window.label) { x, y in
          window.run(x: x, residual: y, y: y, pool: ThreadPool(threads: 3))
        }
      }
    }
  }

  private static func geometry(_ c: Case, groups: Int) -> ConvGeometry {
    var output: [Int] = []
    for k in 0..<3 {
      let room: Int = c.input[k] + 2 * c.pads[k] - c.kernel[k]
      output.append(room / c.strides[k] + 1)
    }
    return ConvGeometry(
      batch: c.batch, groups: groups, channels: c.channels / groups,
      outputs: c.outputs / groups, input: c.input, output: output, kernel: c.kernel,
      strides: c.strides, dilations: [1, 1, 1], pads: c.pads)
  }

  /// Holds what `run` makes of volumes in blocks, added to 0.25 at every place of the result, against
  /// max(sum + 0.25, 0).
  private static func check(
    _ g: ConvGeometry, _ lanes: Int, _ x: [Float], _ want: [Double], _ label: String,
    _ run: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) throws {
    func move(_ channels: Int, _ sizes: [Int]) -> BlockedMove {
      BlockedMove(
        batch: g.batch, channels: channels, depth: sizes[0], pixels: sizes[1] * sizes[2],
        lanes: lanes)
    }
    let (into, out) = (move(g.groups * g.channels, g.input), move(g.groups * g.outputs, g.output))
    let given = try #require(GuardedMemory(bytes: into.blockedCount * 4))
    let result = try #require(GuardedMemory(bytes: out.blockedCount * 4))
    let pool = ThreadPool(threads: 1)
    into.toBlocked(x, into: given.start.assumingMemoryBound(to: Float.self), pool: pool)
    let y = result.start.assumingMemoryBound(to: Float.self)
    out.toBlocked([Float](repeating: 0.25, count: out.plainCount), into: y, pool: pool)
    run(given.start.assumingMemoryBound(to: Float.self), y)
    var plain = [Float](repeating: .nan, count: out.plainCount)
    out.fromBlocked(y, into: &plain, pool: pool)
    let largest: Double = want.reduce(1) { max($0, abs($1)) }
    var error = 0.0
    for (a, sum) in zip(plain, want) {
      let difference = abs(Double(a) - max(sum + 0.25, 0))
      error = difference.isNaN ? .infinity : max(error, difference)
    }
    #expect(error <= 2e-5 * largest, "\(label): \(error) of \(largest)")
    withExtendedLifetime((given, result)) {}
  }

  private static func numbers(
    _ count: Int, _ step: Int, _ turn: Int, scale: Float, shift: Float
  ) -> [Float] {
    var list: [Float] = []
    for i in 0..<count { list.append(Float((i * step + i / 11) % turn) * scale - shift) }
    return list
  }

  /// Places along three axes, in row-major order.
  private static func places(_ sizes: [Int]) -> [[Int]] {
    var list: [[Int]] = []
    for d in 0..<sizes[0] {
      for h in 0..<sizes[1] {
        for w in 0..<sizes[2] { list.append([d, h, w]) }
      }
    }
    return list
  }

  private static func sums(
    _ g: ConvGeometry, _ x: [Float], _ w: [Float], _ bias: [Float]
  ) -> [Double] {
    let (outputs, taps) = (places(g.output), places(g.kernel))
    var y: [Double] = []
    for n in 0..<g.batch {
      for m in 0..<g.groups * g.outputs {
        for at in outputs {
          var sum = Double(bias[m])
          for (tap, t) in taps.enumerated() {
            var from = 0
            var isInside = true
            for k in 0..<3 {
              let p: Int = at[k] * g.strides[k] - g.pads[k] + t[k]
              isInside = isInside && p >= 0 && p < g.input[k]
              from = from * g.input[k] + p
            }
            guard isInside else { continue }
            for c in 0..<g.channels {
              let all = g.groups * g.channels
              let from = from + (m / g.outputs * g.channels + c) * g.inputPixels
              let a = x[n * all * g.inputPixels + from]
              let b = w[(m * g.channels + c) * g.taps + tap]
              sum += Double(a) * Double(b)
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }
}
