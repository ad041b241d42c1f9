import Glibc
import Kernels
import Tensors
import Testing

/// Convolutions on blocked images against the plain ones, in guarded memory. Elements are small
/// whole numbers: every order of sums gives the same result.
@Suite struct BlockedConvPlanTests {
  struct Setup: Sendable {
    var groups = 1
    var channels = 1
    var outputs = 1
    var input = (5, 6)
    var kernel = (3, 3)
    var stride = 1
    var dilation = 1
    var pad = 0
    /// Whether the image has one row, along which alone windows reach over an edge.
    var isLine = false
    var isPlain = false
    var finish = BlockedFinish.none
    var threads = 1
    /// Whether each channel of the input has a factor.
    var isScaled = false
    /// Winograd's algorithm; the direct sum where nil.
    var form: WinogradForm?
  }

  /// The sets and numbers of lanes that have kernels of their own.
  static let sets: [(InstructionSet, Int)] = [
    (.scalar, 8), (.scalar, 16), (.avx2, 8), (.avx512, 16),
  ].filter { $0.0 <= .detected }

  private static func floats(_ count: Int) throws -> (GuardedMemory, UnsafeMutablePointer<Float>) {
    let memory = try #require(GuardedMemory(bytes: count * 4))
    return (memory, memory.start.assumingMemoryBound(to: Float.self))
  }

  private func check(_ s: Setup, _ isa: InstructionSet, _ lanes: Int) throws {
    func outputs(_ n: Int, _ k: Int) -> Int {
      (n + 2 * s.pad - (k - 1) * s.dilation - 1) / s.stride + 1
    }
    let g = ConvGeometry(
      batch: 2, groups: s.groups, channels: s.channels, outputs: s.outputs,
      input: [s.input.0, s.input.1],
      output: [s.isLine ? 1 : outputs(s.input.0, s.kernel.0), outputs(s.input.1, s.kernel.1)],
      kernel: [s.kernel.0, s.kernel.1], strides: [s.isLine ? 1 : s.stride, s.stride],
      dilations: [s.isLine ? 1 : s.dilation, s.dilation], pads: [s.isLine ? 0 : s.pad, s.pad])
    let (channels, results) = (s.groups * s.channels, s.groups * s.outputs)
    let (m1, x) = try Self.floats(g.inputCount)
    let (m2, w) = try Self.floats(g.weightCount)
    let (m3, b) = try Self.floats(results)
    let (m4, want) = try Self.floats(g.outputCount)
    for i in 0..<g.inputCount { x[i] = Float(i * 7 % 11 - 5) }
    for i in 0..<g.weightCount { w[i] = Float(i * 5 % 7 - 3) }
    for i in 0..<results { b[i] = Float(i % 5) }
    // Factors, and the input times them for the plain convolution.
    let blocks = (channels + lanes - 1) / lanes
    let (m11, factors) = try Self.floats(2 * blocks * lanes)
    let (m12, scaled) = try Self.floats(g.inputCount)
    for i in 0..<2 * blocks * lanes { factors[i] = s.isScaled ? Float(i % 3 - 1) : 1 }
    for i in 0..<g.inputCount {
      let (image, channel) = (i / g.inputPixels / channels, i / g.inputPixels % channels)
      scaled[i] = x[i] * factors[image * blocks * lanes + channel]
    }
    let plain = ConvPlan(g, isa: .scalar)
    let (m5, work) = try Self.floats(plain.scratchBytes / 4 + 1)
    plain.run(x: scaled, weights: w, bias: b, y: want, scratch: work, pool: .single)

    let into = BlockedMove(
      batch: 2, channels: channels, pixels: g.inputPixels, lanes: lanes, isa: isa)
    let out = BlockedMove(
      batch: 2, channels: results, pixels: g.outputPixels, lanes: lanes, isa: isa)
    let (m6, blocked) = try Self.floats(into.blockedCount)
    into.toBlocked(x, into: blocked, pool: .single)
    let (m7, y) = try Self.floats(out.blockedCount)
    let (m8, z) = try Self.floats(out.blockedCount)
    let (m9, got) = try Self.floats(out.plainCount)
    for i in 0..<out.plainCount { got[i] = Float(i % 3) }
    out.toBlocked(got, into: z, pool: .single)
    for i in 0..<out.blockedCount { y[i] = 1e9 }
    let pool = ThreadPool(threads: s.threads)
    let isDepthwise = s.channels == 1 && s.outputs == 1 && s.groups > 1
    if isDepthwise {
      let axes = BlockedWindow.Axes(
        input: Array(g.input[1...]), output: Array(g.output[1...]), kernel: Array(g.kernel[1...]),
        strides: Array(g.strides[1...]), dilations: Array(g.dilations[1...]),
        pads: Array(g.pads[1...]))
      let window = try BlockedWindow(
        depthwise: axes, batch: 2, channels: channels, lanes: lanes, finish: s.finish, weights: w,
        bias: b, threads: s.threads, isa: isa)
      window.run(x: blocked, residual: z, y: y, pool: pool)
    } else if let form = s.form {
      let plan = try BlockedWinogradPlan(
        g, form: form, lanes: lanes, finish: s.finish, weights: w, bias: b, threads: s.threads,
        isa: isa)
      let (m10, scratch) = try Self.floats(plan.scratchBytes / 4)
      plan.run(x: blocked, residual: z, y: y, scratch: scratch, pool: pool)
      withExtendedLifetime(m10) {}
    } else {
      try #require(BlockedConvPlan.takes(g, isPlain: s.isPlain))
      let plan = try BlockedConvPlan(
        g, lanes: lanes, isPlain: s.isPlain, finish: s.finish, weights: w, bias: b,
        isScaled: s.isScaled, threads: s.threads, isa: isa)
      let (m10, scratch) = try Self.floats(plan.scratchBytes / 4)
      plan.run(
        x: s.isPlain ? x : blocked, residual: z, factors: s.isScaled ? factors : nil, y: y,
        scratch: scratch, pool: pool)
      withExtendedLifetime(m10) {}
    }
    out.fromBlocked(y, into: got, pool: .single)
    let function = function(s.finish)
    var wrong = 0
    for i in 0..<g.outputCount {
      let sum = want[i] + Float(i % 3)
      let value = function(sum)
      let tolerance: Float = s.form != nil ? 5e-3 : 1e-6
      if !(abs(got[i] - value) <= abs(value) * 1e-5 + tolerance) { wrong += 1 }
    }
    #expect(wrong == 0, "\(wrong) of \(g.outputCount): \(s) \(isa) \(lanes)")
    var dirty = 0
    for i in 0..<out.blockedCount where i / (lanes * g.outputPixels) % out.blocks == out.blocks - 1
    {
      if (out.blocks - 1) * lanes + i % lanes >= results && y[i] != 0 { dirty += 1 }
    }
    #expect(dirty == 0, "\(dirty) lanes beyond the last channel are not 0: \(s) \(isa)")
    withExtendedLifetime((m1, m2, m3, m4, m5, m6, m7, m8, m9, m11, m12)) {}
  }

  /// The function that a finish stands for, found by what it prints.
  private func function(_ finish: BlockedFinish) -> (Float) -> Float {
    switch "\(finish)" {
    case "\(BlockedFinish.relu)": { max(0, $0) }
    case "\(BlockedFinish.hardSwish)": { $0 * max(0, min(1, $0 / 6 + 0.5)) }
    case "\(Self.sigmoid)": { 1 / (1 + Float(Glibc.exp(Double(-$0)))) }
    case "\(Self.swish)": { $0 / (1 + Float(Glibc.exp(Double(-1.5 * $0)))) }
    case "\(BlockedFinish.clamp(1, 6))": { max(1, min(6, $0)) }
    default: { $0 }
    }
  }
  static let sigmoid = BlockedFinish.unary(.sigmoid, 0, 0, keepsZero: false)
  static let swish = BlockedFinish.unary(.swish, 1.5, 0, keepsZero: true)

  @Test(arguments: sets.indices) func everyWidth(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for width in 1...30 {
      try check(
        Setup(channels: lanes, outputs: 2 * lanes, input: (3, width), pad: 1), isa, lanes)
      try check(
        Setup(
          channels: 1, outputs: lanes, input: (4, width + 2), kernel: (1, 3), isPlain: true), isa,
        lanes)
    }
  }

  @Test(arguments: sets.indices) func everyNumberOfBlocks(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for blocks in 1...7 {
      let outputs = blocks * lanes - 3
      for stride in 1...3 {
        try check(
          Setup(channels: lanes + 5, outputs: outputs, input: (7, 9), stride: stride, pad: 1), isa,
          lanes)
        try check(
          Setup(
            channels: 3, outputs: outputs, input: (9, 11), stride: stride, pad: 1, isPlain: true),
          isa, lanes)
      }
      try check(
        Setup(channels: 21, outputs: outputs, input: (5, 7), kernel: (1, 1)), isa, lanes)
    }
    try check(
      Setup(channels: lanes, outputs: 4 * lanes, input: (32, 33), kernel: (1, 1)), isa, lanes)
  }

  @Test(arguments: sets.indices) func windowsOfEveryKind(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for (kernel, dilation, pad) in [
      ((5, 5), 1, 2), ((7, 7), 1, 3), ((3, 3), 2, 2), ((2, 4), 1, 0), ((1, 7), 3, 9),
      ((4, 1), 1, 1),
    ] {
      for stride in 1...2 {
        var s = Setup(
          channels: 9, outputs: 2 * lanes, input: (11, 13), kernel: kernel, stride: stride,
          dilation: dilation, pad: pad)
        if dilation == 3 { s.input = (5, 40) }
        for threads in [1, 3] {
          s.threads = threads
          try check(s, isa, lanes)
        }
        s.channels = 1
        s.groups = 19
        s.outputs = 1
        try check(s, isa, lanes)
      }
    }
  }

  @Test(arguments: sets.indices) func groupsInBlocks(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for (groups, channels, outputs) in [
      (2, lanes, 3 * lanes), (3, 2 * lanes, lanes), (lanes, 4, 4), (2 * lanes, 2, 2), (8, 8, 8),
      (3, 5, 7), (4, lanes + 4, lanes + 4), (2, 3, 40), (5, 2 * lanes + 3, 2), (2, lanes, 3),
    ] {
      try check(
        Setup(groups: groups, channels: channels, outputs: outputs, input: (6, 8), pad: 1), isa,
        lanes)
    }
  }

  @Test(arguments: sets.indices) func imagesOfOnePixel(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for blocks in 1...5 {
      for (kernel, pad, input) in [((1, 1), 0, (1, 1)), ((3, 3), 0, (3, 3)), ((3, 3), 1, (1, 1))] {
        try check(
          Setup(
            channels: 37, outputs: blocks * lanes - 2, input: input, kernel: kernel, pad: pad,
            finish: .relu), isa, lanes)
      }
    }
  }

  @Test(arguments: sets.indices) func factorsOfChannels(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for kernel in [1, 3] {
      for stride in 1...2 {
        for threads in [1, 3] {
          var s = Setup(
            channels: 21, outputs: 2 * lanes, input: (31, 33), kernel: (kernel, kernel),
            stride: stride, pad: kernel / 2, threads: threads)
          s.isScaled = true
          try check(s, isa, lanes)
        }
      }
    }
  }

  @Test(arguments: sets.indices) func finishes(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for finish in [BlockedFinish.relu, .clamp(1, 6), .hardSwish, Self.sigmoid, Self.swish] {
      try check(
        Setup(channels: 5, outputs: 19, input: (6, 8), pad: 1, finish: finish), isa, lanes)
      try check(
        Setup(groups: 19, input: (6, 8), pad: 1, finish: finish), isa, lanes)
    }
  }

  @Test(arguments: sets.indices) func depthwiseOfEveryWidth(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for width in 1...24 {
      for (kernel, pad) in [(3, 1), (5, 2), (7, 3), (9, 4), (11, 5)] {
        for stride in 1...2 {
          try check(
            Setup(
              groups: lanes, input: (kernel, width), kernel: (kernel, kernel), stride: stride,
              pad: pad), isa, lanes)
        }
      }
    }
  }

  /// Sums reach some hundreds here, so that 5e-3 is 1e-5 of the largest.
  @Test(arguments: sets.indices) func winograd(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    if isa == .scalar { return }
    for form in [WinogradForm.two, .four, .half] {
      let stride = form == .half ? 2 : 1
      for pad in 0...2 {
        for input in [(5, 5), (6, 9), (8, 31), (23, 21)] {
          for threads in [1, 3] {
            try check(
              Setup(
                channels: 2 * lanes - 5, outputs: 2 * lanes, input: input, stride: stride, pad: pad,
                finish: threads == 1 ? .none : .relu, threads: threads, form: form), isa, lanes)
          }
        }
      }
      for blocks in 1...5 {
        try check(
          Setup(
            channels: lanes, outputs: blocks * lanes - 3, input: (9, 10), stride: stride, pad: 1,
            finish: .hardSwish, form: form), isa, lanes)
      }
      try check(
        Setup(
          channels: lanes, outputs: lanes, input: (9, 10), stride: stride, pad: 1,
          finish: Self.sigmoid, form: form), isa, lanes)
    }
  }

  /// Windows wider than three taps, along one axis, and with pixels between their taps.
  @Test(arguments: sets.indices) func winogradForms(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    if isa == .scalar { return }
    for (kernel, pad) in [((5, 5), 2), ((1, 7), 3), ((7, 1), 0), ((1, 3), 1), ((4, 6), 2)] {
      for (dilation, finish) in [(1, BlockedFinish.relu), (2, Self.sigmoid), (3, .hardSwish)] {
        for input in [(21, 19), (40, 33)] {
          let g = ConvGeometry(
            batch: 1, groups: 1, channels: 1, outputs: 1, input: [1, 1], output: [1, 1],
            kernel: [kernel.0, kernel.1], strides: [1, 1], dilations: [dilation, dilation],
            pads: [0, 0])
          let forms = WinogradForm.forms(g, exact: false)
          #expect(!forms.isEmpty)
          for form in forms {
            for threads in [1, 3] {
              try check(
                Setup(
                  channels: lanes + 3, outputs: 2 * lanes, input: input, kernel: kernel,
                  dilation: dilation, pad: pad, finish: finish, threads: threads, form: form),
                isa, lanes)
            }
          }
        }
      }
    }
    for dilation in [1, 4] {
      for form in [WinogradForm.two, .four] {
        try check(
          Setup(
            channels: lanes, outputs: lanes, input: (9, 10), dilation: dilation, pad: dilation,
            form: form), isa, lanes)
      }
    }
  }

  /// Rows too long for a cache fall into chunks of pixels, whose windows meet those of others.
  @Test(arguments: sets.indices) func longRows(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for threads in [1, 3] {
      for (k, stride, dilation, pad) in [
        (5, 1, 1, 2), (3, 1, 4, 4), (4, 2, 1, 1), (7, 3, 2, 6), (3, 1, 1, 0), (1, 2, 1, 0),
        (9, 1, 1, 8),
      ] {
        for isScaled in [false, true] {
          try check(
            Setup(
              channels: 33, outputs: 2 * lanes + 3, input: (1, 1501), kernel: (1, k),
              stride: stride, dilation: dilation, pad: pad, isLine: true, finish: .relu,
              threads: threads, isScaled: isScaled), isa, lanes)
        }
      }
      try check(
        Setup(
          outputs: 20, input: (1, 4001), kernel: (1, 80), stride: 4, pad: 38, isLine: true,
          isPlain: true, threads: threads), isa, lanes)
      try check(
        Setup(
          groups: 2, channels: lanes, outputs: lanes, input: (1, 300), kernel: (1, 3), pad: 1,
          isLine: true, threads: threads), isa, lanes)
    }
  }

  /// The last block has channels in half of its lanes, where two pixels share a vector.
  @Test(arguments: sets.indices) func halfBlocks(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    for blocks in 1...4 {
      for width in [1, 2, 9, 14, 23, 43] {
        for (kernel, pad) in [((1, 1), 0), ((3, 3), 1)] {
          for valid in [1, lanes / 2] {
            try check(
              Setup(
                channels: lanes + 5, outputs: (blocks - 1) * lanes + valid, input: (5, width),
                kernel: kernel, pad: pad, finish: .relu), isa, lanes)
          }
        }
      }
      if isa == .scalar { continue }
      try check(
        Setup(
          channels: 24, outputs: (blocks - 1) * lanes + lanes / 2, input: (21, 30), pad: 1,
          finish: .relu, form: .four), isa, lanes)
    }
  }

  /// Weights too large for a cache and few tiles: threads share the outputs.
  @Test(arguments: sets.indices) func winogradOfManyChannels(_ i: Int) throws {
    let (isa, lanes) = Self.sets[i]
    if isa == .scalar { return }
    for (form, input) in [(WinogradForm.two, (7, 7)), (.four, (13, 14))] {
      for threads in [1, 3] {
        try check(
          Setup(
            channels: 200, outputs: 11 * lanes, input: input, pad: 1, finish: .relu,
            threads: threads, form: form), isa, lanes)
      }
    }
  }
}
