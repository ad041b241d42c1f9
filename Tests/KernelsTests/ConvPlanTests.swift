import Kernels
import Tensors
import Testing

@Suite struct ConvPlanTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected && $0 != .avx512vnni }

  /// Numbers of one convolution over two axes, square where one number does.
  private struct Setup {
    var groups = 1
    var channels = 1
    var outputs = 1
    var input = (5, 6)
    var kernel = (3, 3)
    var stride = 1
    var dilation = 1
    var pad = 0
  }

  /// Runs one convolution in guarded memory, weights constant and not, and compares it with the
  /// sums written out. Elements are small whole numbers: every order gives the same result.
  private func check(_ s: Setup, _ isa: InstructionSet) throws {
    func outputs(_ n: Int, _ k: Int) -> Int {
      (n + 2 * s.pad - (k - 1) * s.dilation - 1) / s.stride + 1
    }
    let (oh, ow) = (outputs(s.input.0, s.kernel.0), outputs(s.input.1, s.kernel.1))
    guard s.input.0 + 2 * s.pad > (s.kernel.0 - 1) * s.dilation,
      s.input.1 + 2 * s.pad > (s.kernel.1 - 1) * s.dilation
    else { return }
    let g = ConvGeometry(
      batch: 2, groups: s.groups, channels: s.channels, outputs: s.outputs,
      input: [s.input.0, s.input.1], output: [oh, ow], kernel: [s.kernel.0, s.kernel.1],
      strides: [s.stride, s.stride], dilations: [s.dilation, s.dilation], pads: [s.pad, s.pad])
    let x = try #require(GuardedMemory(bytes: g.inputCount * 4))
    let w = try #require(GuardedMemory(bytes: g.weightCount * 4))
    let b = try #require(GuardedMemory(bytes: s.groups * s.outputs * 4))
    let y = try #require(GuardedMemory(bytes: g.outputCount * 4))
    let px = x.start.assumingMemoryBound(to: Float.self)
    let pw = w.start.assumingMemoryBound(to: Float.self)
    let pb = b.start.assumingMemoryBound(to: Float.self)
    let py = y.start.assumingMemoryBound(to: Float.self)
    for i in 0..<g.inputCount { px[i] = Float(i * 7 % 11 - 5) }
    for i in 0..<g.weightCount { pw[i] = Float(i * 5 % 7 - 3) }
    for i in 0..<(s.groups * s.outputs) { pb[i] = Float(i) }
    for isConstant in [true, false] {
      for i in 0..<g.outputCount { py[i] = 1e9 }
      let filter = isConstant ? try PackedFilter(w.start, g, element: .float32, isa: isa) : nil
      let plan = ConvPlan(g, packed: filter, isa: isa)
      let scratch = try #require(GuardedMemory(bytes: plan.scratchBytes))
      plan.run(
        x: x.start, weights: w.start, bias: b.start, y: y.start, scratch: scratch.start,
        pool: .single)
      for place in 0..<g.outputCount {
        let (row, column) = (place / ow % oh, place % ow)
        let (n, m) = (
          place / (oh * ow) / (s.groups * s.outputs), place / (oh * ow) % (s.groups * s.outputs)
        )
        var sum = Float(m)
        for c in 0..<s.channels {
          let plane = (n * s.groups + m / s.outputs) * s.channels + c
          for a in 0..<s.kernel.0 {
            for t in 0..<s.kernel.1 {
              let h = row * s.stride - s.pad + a * s.dilation
              let v = column * s.stride - s.pad + t * s.dilation
              guard h >= 0, h < s.input.0, v >= 0, v < s.input.1 else { continue }
              sum +=
                px[(plane * s.input.0 + h) * s.input.1 + v]
                * pw[((m * s.channels + c) * s.kernel.0 + a) * s.kernel.1 + t]
            }
          }
        }
        guard py[place] == sum else {
          Issue.record("\(isa) \(plan.method) \(s): \(place) is \(py[place]), expected \(sum)")
          return
        }
      }
    }
  }

  @Test(arguments: sets) func windowsOfEveryKind(isa: InstructionSet) throws {
    for kernel in [(1, 1), (3, 3), (2, 5), (7, 1)] {
      for stride in 1...3 {
        for dilation in 1...2 {
          for pad in [0, 1, 3] {
            var s = Setup(kernel: kernel, stride: stride, dilation: dilation, pad: pad)
            for input in [(1, 1), (7, 5), (6, 17), (4, 35)] {
              s.input = input
              // Depthwise, several channels, and groups.
              (s.groups, s.channels, s.outputs) = (3, 1, 1)
              try check(s, isa)
              (s.groups, s.channels, s.outputs) = (1, 2, 5)
              try check(s, isa)
            }
          }
        }
      }
    }
  }

  @Test(arguments: sets) func everyWidth(isa: InstructionSet) throws {
    for width in 1...70 {
      var s = Setup(groups: 2, input: (4, width), stride: width % 2 + 1, pad: 1)
      try check(s, isa)
      (s.groups, s.channels, s.outputs) = (1, 3, 2)
      try check(s, isa)
    }
  }

  @Test(arguments: sets) func deepSums(isa: InstructionSet) throws {
    // 60 channels by 9 taps exceed one depth, which then ends within a tap.
    try check(Setup(channels: 60, outputs: 16, input: (7, 7), pad: 1), isa)
    try check(Setup(groups: 2, channels: 70, outputs: 3, input: (4, 9), stride: 2, pad: 1), isa)
  }
}
