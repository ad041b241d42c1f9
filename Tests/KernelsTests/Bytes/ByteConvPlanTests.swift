import Tensors
import Testing

@testable import Kernels

/// Byte convolutions on every instruction set against the plain sum, in memory that ends where
/// nobody may read or write.
@Suite struct ByteConvPlanTests {
  struct Case: Sendable, CustomStringConvertible {
    var channels = 8
    var outputs = 16
    var groups = 1
    var height = 6
    var width = 7
    var kernel = 3
    var stride = 1
    var pad = 1
    var dilation = 1
    var batch = 1
    var residual = 0
    var hasOffsets = false
    var description: String {
      "\(groups)x\(channels)->\(outputs), \(batch)x\(height)x\(width), k\(kernel) s\(stride) p\(pad) "
        + "d\(dilation) r\(residual)"
    }
    var geometry: ConvGeometry {
      func size(_ n: Int) -> Int { (n + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1 }
      return ConvGeometry(
        batch: batch, groups: groups, channels: channels, outputs: outputs,
        input: [height, width], output: [size(height), size(width)], kernel: [kernel, kernel],
        strides: [stride, stride], dilations: [dilation, dilation], pads: [pad, pad])
    }
  }

  static let cases: [Case] = {
    var list: [Case] = []
    // Every remainder of outputs and of input channels.
    for outputs in [1, 3, 4, 15, 16, 17, 24, 31, 33, 40, 47, 48, 63, 64, 65, 72, 80, 96, 130] {
      list.append(Case(channels: 5 + outputs % 7, outputs: outputs, kernel: 1, pad: 0))
    }
    for channels in 1...21 { list.append(Case(channels: channels, outputs: 20)) }
    // Every remainder of pixels.
    for width in 1...13 {
      list.append(Case(outputs: 24, height: 1, width: width, kernel: 1, pad: 0))
    }
    list += [
      Case(channels: 3, outputs: 70, height: 19, width: 23, kernel: 7, stride: 2, pad: 3),
      Case(channels: 3, outputs: 32, height: 9, width: 8, kernel: 3, stride: 2, pad: 1, batch: 2),
      Case(channels: 40, outputs: 72, height: 9, width: 9, stride: 2, batch: 3),
      // Rows of taps whose channels are packed closely, up to the end of the image.
      Case(channels: 1, outputs: 24, height: 9, width: 8, kernel: 5, pad: 2),
      Case(channels: 3, outputs: 40, height: 9, width: 8, kernel: 7, pad: 0),
      Case(channels: 5, outputs: 17, height: 9, width: 8, kernel: 4, stride: 2, pad: 1),
      // Panels that end in half a vector, and what is added to them.
      Case(channels: 20, outputs: 24, residual: 1), Case(channels: 20, outputs: 40, residual: 2),
      Case(channels: 12, outputs: 39, residual: 1, hasOffsets: true),
      // Threads that share out outputs, panels and both.
      Case(channels: 16, outputs: 64, height: 29, width: 31),
      Case(channels: 700, outputs: 800, height: 7, width: 5, kernel: 1, pad: 0),
      Case(channels: 1, outputs: 1, groups: 64, height: 23, width: 31),
      Case(channels: 20, outputs: 33, height: 9, width: 9, pad: 2, dilation: 2),
      Case(channels: 32, outputs: 64, residual: 1), Case(channels: 20, outputs: 41, residual: 2),
      Case(channels: 20, outputs: 41, residual: 1, hasOffsets: true),
      Case(channels: 20, outputs: 18, hasOffsets: true),
      // Groups that fill fours and panels, and groups that do not.
      Case(channels: 8, outputs: 16, groups: 4), Case(channels: 3, outputs: 5, groups: 3),
      Case(channels: 4, outputs: 4, groups: 32), Case(channels: 8, outputs: 8, groups: 13),
      Case(channels: 16, outputs: 16, groups: 3, height: 9, width: 11, stride: 2, residual: 1),
      Case(channels: 4, outputs: 4, groups: 17, residual: 2, hasOffsets: true),
      Case(channels: 16, outputs: 16, groups: 5, kernel: 1, pad: 0, batch: 2),
      Case(channels: 8, outputs: 8, groups: 9, height: 9, width: 9, pad: 2, dilation: 2),
      Case(channels: 1, outputs: 2, groups: 6),
    ]
    for channels in [2, 3, 4, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 100, 144] {
      list.append(Case(channels: 1, outputs: 1, groups: channels))
    }
    list += [
      Case(channels: 1, outputs: 1, groups: 72, height: 11, width: 10, kernel: 5, pad: 2),
      Case(
        channels: 1, outputs: 1, groups: 40, height: 11, width: 10, kernel: 5, stride: 2, pad: 2,
        batch: 2),
      Case(channels: 1, outputs: 1, groups: 70, kernel: 2, pad: 0),
      Case(channels: 1, outputs: 1, groups: 64, height: 9, width: 9, kernel: 7, pad: 3),
      Case(
        channels: 1, outputs: 1, groups: 76, height: 12, width: 11, kernel: 7, stride: 2, pad: 3,
        residual: 1),
      Case(channels: 1, outputs: 1, groups: 36, residual: 1),
    ]
    return list
  }()

  @Test(arguments: cases) func isTheExactSumRounded(_ c: Case) throws {
    for isa in InstructionSet.allCases where isa <= .detected {
      for threads in [1, 3] {
        let problem = try Problem(c)
        try problem.check(isa, threads: threads)
      }
    }
  }

  /// Rounds and clamps as ONNX says, from numbers far beyond 16 and 32 bits as well.
  @Test func farNumbersAreClamped() throws {
    let c = Case(channels: 64, outputs: 16, kernel: 1, pad: 0)
    for isa in InstructionSet.allCases where isa <= .detected {
      let problem = try Problem(c, scale: 3e5)
      try problem.check(isa, threads: 1)
    }
  }
}

/// Numbers for one convolution, and what comes of them.
private struct Problem {
  let c: ByteConvPlanTests.Case
  let g: ConvGeometry
  let x: [UInt8]
  let z: [UInt8]
  let w: [Int8]
  let bias: [Int32]
  let scales: [Float]
  let offsets: [Float]?
  let finish: ByteFinish
  let xZero = 117
  let (step, outStep): (Int, Int)

  init(_ c: ByteConvPlanTests.Case, scale: Float = 1) throws {
    self.c = c
    g = c.geometry
    step = BytePanels.step(g.groups * g.channels)
    let outputs = g.groups * g.outputs
    outStep = BytePanels.step(outputs)
    var random = UInt64(outputs * 7919 + g.channels)
    func next() -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 40)
    }
    x = (0..<g.batch * g.inputPixels * step).map { _ in UInt8(next() % 256) }
    z = (0..<g.batch * g.outputPixels * outStep).map { _ in UInt8(next() % 256) }
    w = (0..<g.weightCount).map { _ in Int8(next() % 256 - 128) }
    bias = (0..<outputs).map { _ in Int32(next() % 20000 - 10000) }
    let size = Float(g.channels * g.taps).squareRoot()
    scales = (0..<outputs).map { scale * Float($0 % 5 + 3) / (9000 * size) }
    offsets = c.hasOffsets ? (0..<outputs).map { Float($0 % 9) * 0.3 - 1 } : nil
    let y = PixelScale(0.02, zero: 101)
    let other = PixelScale(0.013, zero: 90)
    switch c.residual {
    case 1:
      finish = ByteFinish(
        y, low: 101, high: 230,
        residual: .init(other, own: PixelScale(0.017, zero: 60), ownLow: 20, ownHigh: 240))
    case 2: finish = ByteFinish(y, residual: .init(other))
    default: finish = ByteFinish(y, low: 5, high: 250)
    }
  }

  func check(_ isa: InstructionSet, threads: Int) throws {
    let panels = BytePanels(g, isa: isa)
    let plan = try w.withUnsafeBufferPointer { w in
      let from = try #require(w.baseAddress)
      let outputs = g.groups * g.outputs
      let sums = try ByteFilter.sums(from, outputs: outputs, count: g.channels * g.taps)
      let filter = try ByteFilter(panels, source: from)
      return try ByteConvPlan(
        panels, filter: filter, sums: sums.bytes.assumingMemoryBound(to: Int32.self),
        scales: scales, bias: bias, offsets: offsets, xZero: xZero, finish: finish,
        threads: threads)
    }
    let input = try #require(GuardedMemory(bytes: x.count))
    let other = try #require(GuardedMemory(bytes: z.count))
    let output = try #require(GuardedMemory(bytes: z.count))
    let scratch = try #require(GuardedMemory(bytes: (plan.scratchBytes + 63) / 64 * 64))
    let from = input.start.assumingMemoryBound(to: UInt8.self)
    from.update(from: x, count: x.count)
    let residual = other.start.assumingMemoryBound(to: UInt8.self)
    residual.update(from: z, count: z.count)
    let y = output.start.assumingMemoryBound(to: UInt8.self)
    plan.run(
      x: from, residual: c.residual > 0 ? UnsafePointer(residual) : nil, y: y,
      scratch: scratch.start, pool: ThreadPool(threads: threads))
    var wrong = 0
    for pixel in 0..<g.batch * g.outputPixels {
      for m in 0..<g.groups * g.outputs {
        let value = expected(pixel, m, isSmall: plan.isSmall)
        if Int(y[pixel * outStep + m]) != value { wrong += 1 }
      }
    }
    #expect(wrong == 0, "\(isa), \(threads) threads: \(c)")
  }

  private func expected(_ pixel: Int, _ m: Int, isSmall: Bool) -> Int {
    let (image, place) = (pixel / g.outputPixels, pixel % g.outputPixels)
    let (row, column) = (place / g.output[2], place % g.output[2])
    var sum = bias[m]
    for a in 0..<g.kernel[1] {
      for b in 0..<g.kernel[2] {
        let (i, j) = (
          row * g.strides[1] - g.pads[1] + a * g.dilations[1],
          column * g.strides[2] - g.pads[2] + b * g.dilations[2]
        )
        guard i >= 0, j >= 0, i < g.input[1], j < g.input[2] else { continue }
        let at = ((image * g.input[1] + i) * g.input[2] + j) * step
        for k in 0..<g.channels {
          let q = Int32(x[at + m / g.outputs * g.channels + k]) - Int32(xZero)
          sum += q * Int32(w[(m * g.channels + k) * g.taps + a * g.kernel[2] + b])
        }
      }
    }
    let y = finish.scale.scale
    let divisor = finish.residual?.own?.scale ?? y
    // Small sums are multiplied with scales of 22 bits.
    let scale = scales[m] / divisor
    var v = Float(sum) * (isSmall ? Float(bitPattern: (scale.bitPattern + 2) & ~3) : scale)
    if let offsets { v += offsets[m] / divisor }
    if let r = finish.residual {
      let factor = r.scale.scale / y
      let other = (-Float(r.scale.zero) * factor)
        .addingProduct(Float(z[pixel * outStep + m]), factor)
      if let own = r.own {
        let q = max(Float(r.ownLow - own.zero), min(Float(r.ownHigh - own.zero), v))
        v = other.addingProduct(q.rounded(.toNearestOrEven), own.scale / y)
      } else {
        v += other
      }
    }
    let q = max(-65536, min(65536, v)).rounded(.toNearestOrEven)
    return max(finish.low, min(finish.high, Int(q) + finish.scale.zero))
  }
}
