import Kernels
import Tensors
import Testing

/// The gradients of convolutions against sums written out. Elements are small whole numbers: every
/// order of summation gives the same result.
@Suite struct ConvGradientTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected && $0 != .avx512vnni }

  private func geometry(
    batch: Int = 2, groups: Int = 1, channels: Int, outputs: Int, input: (Int, Int),
    kernel: (Int, Int), stride: Int = 1, dilation: Int = 1, pad: Int = 0
  ) -> ConvGeometry? {
    func size(_ n: Int, _ k: Int) -> Int { (n + 2 * pad - (k - 1) * dilation - 1) / stride + 1 }
    guard input.0 + 2 * pad > (kernel.0 - 1) * dilation,
      input.1 + 2 * pad > (kernel.1 - 1) * dilation
    else { return nil }
    return ConvGeometry(
      batch: batch, groups: groups, channels: channels, outputs: outputs,
      input: [input.0, input.1], output: [size(input.0, kernel.0), size(input.1, kernel.1)],
      kernel: [kernel.0, kernel.1], strides: [stride, stride], dilations: [dilation, dilation],
      pads: [pad, pad], keepsAxes: true)
  }

  /// Calls `body` with the places in x, w and y of every product of the convolution.
  private func products(_ g: ConvGeometry, _ body: (Int, Int, Int) -> Void) {
    for n in 0..<g.batch {
      for m in 0..<(g.groups * g.outputs) {
        for c in 0..<g.channels {
          let x = ((n * g.groups + m / g.outputs) * g.channels + c) * g.inputPixels
          let w = (m * g.channels + c) * g.taps
          let y = (n * g.groups * g.outputs + m) * g.outputPixels
          for oh in 0..<g.output[1] {
            for ow in 0..<g.output[2] {
              for a in 0..<g.kernel[1] {
                for b in 0..<g.kernel[2] {
                  let h = oh * g.strides[1] - g.pads[1] + a * g.dilations[1]
                  let v = ow * g.strides[2] - g.pads[2] + b * g.dilations[2]
                  guard h >= 0, h < g.input[1], v >= 0, v < g.input[2] else { continue }
                  body(
                    x + h * g.input[2] + v, w + a * g.kernel[2] + b, y + oh * g.output[2] + ow)
                }
              }
            }
          }
        }
      }
    }
  }

  private func check(_ g: ConvGeometry, _ isa: InstructionSet, threads: Int = 1) throws {
    let pool = threads > 1 ? ThreadPool(threads: threads) : ThreadPool.single
    let x = try #require(GuardedMemory(bytes: g.inputCount * 4))
    let w = try #require(GuardedMemory(bytes: g.weightCount * 4))
    let y = try #require(GuardedMemory(bytes: g.outputCount * 4))
    let dx = try #require(GuardedMemory(bytes: g.inputCount * 4))
    let dw = try #require(GuardedMemory(bytes: g.weightCount * 4))
    let px = x.start.assumingMemoryBound(to: Float.self)
    let pw = w.start.assumingMemoryBound(to: Float.self)
    let py = y.start.assumingMemoryBound(to: Float.self)
    for i in 0..<g.inputCount { px[i] = Float(i * 7 % 11 - 5) }
    for i in 0..<g.weightCount { pw[i] = Float(i * 5 % 7 - 3) }
    for i in 0..<g.outputCount { py[i] = Float(i * 3 % 13 - 6) }
    var wantX = [Float](repeating: 0, count: g.inputCount)
    var wantW = [Float](repeating: 0, count: g.weightCount)
    products(g) { i, j, k in
      wantX[i] += pw[j] * py[k]
      wantW[j] += px[i] * py[k]
    }
    let byWeight = ConvWeightGradientPlan(
      g, element: .float32, exact: true, threads: threads, isa: isa)
    let one = try #require(GuardedMemory(bytes: byWeight.scratchBytes))
    byWeight.run(x: x.start, dy: y.start, dw: dw.start, scratch: one.start, pool: pool)
    let byInput = try ConvInputGradientPlan(
      g, element: .float32, exact: true, threads: threads, isa: isa)
    let two = try #require(GuardedMemory(bytes: byInput.scratchBytes))
    byInput.run(dy: y.start, weights: w.start, dx: dx.start, scratch: two.start, pool: pool)
    let gotX = UnsafeBufferPointer(
      start: dx.start.assumingMemoryBound(to: Float.self), count: g.inputCount)
    let gotW = UnsafeBufferPointer(
      start: dw.start.assumingMemoryBound(to: Float.self), count: g.weightCount)
    #expect(gotX.elementsEqual(wantX), "\(isa) \(byInput.label) \(g)")
    #expect(gotW.elementsEqual(wantW), "\(isa) \(byWeight.label) \(g)")
  }

  @Test(arguments: sets) func windowsOfEveryKind(isa: InstructionSet) throws {
    for kernel in [(1, 1), (3, 3), (2, 5), (4, 7), (7, 1)] {
      for stride in 1...3 {
        for dilation in 1...2 {
          for pad in [0, 1, 3] {
            for input in [(1, 1), (7, 5), (6, 17), (4, 35)] {
              for (groups, channels, outputs) in [(3, 1, 1), (1, 2, 5), (2, 2, 9)] {
                guard
                  let g = geometry(
                    groups: groups, channels: channels, outputs: outputs, input: input,
                    kernel: kernel, stride: stride, dilation: dilation, pad: pad)
                else { continue }
                try check(g, isa)
              }
            }
          }
        }
      }
    }
  }

  @Test(arguments: sets) func everyWidthAndDepth(isa: InstructionSet) throws {
    for width in 1...40 {
      for kernel in 2...8 {
        if let g = geometry(
          channels: 1, outputs: 1 + width % 10, input: (5, width), kernel: (2, kernel),
          stride: 1 + width % 2, pad: 2)
        {
          try check(g, isa)
        }
      }
    }
  }

  /// More rows than a chunk has, more images than one, and several threads.
  @Test(arguments: sets) func chunks(isa: InstructionSet) throws {
    for threads in [1, 3] {
      for g in [
        geometry(batch: 1, channels: 2, outputs: 9, input: (70, 40), kernel: (3, 3), pad: 1),
        geometry(batch: 40, channels: 3, outputs: 8, input: (8, 8), kernel: (3, 3), pad: 1),
        geometry(batch: 5, channels: 9, outputs: 17, input: (9, 10), kernel: (3, 3), stride: 2),
      ] {
        try check(#require(g), isa, threads: threads)
      }
    }
  }
}
