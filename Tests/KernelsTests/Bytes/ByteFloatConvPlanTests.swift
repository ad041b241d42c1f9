import Tensors
import Testing

@testable import Kernels

/// Byte convolutions with float32 results on every instruction set against the plain sum, in memory
/// that ends where nobody may read or write.
@Suite struct ByteFloatConvPlanTests {
  struct Case: Sendable, CustomStringConvertible {
    var conv = ByteConvPlanTests.Case()
    var weightZero = 0
    var isBounded = false
    var description: String { "\(conv), weights less \(weightZero), \(isBounded)" }
  }

  static let cases: [Case] = {
    var list: [Case] = []
    for outputs in [1, 8, 9, 16, 17, 24, 33, 40, 48, 64, 65, 72, 96, 130] {
      list.append(
        Case(conv: .init(channels: 5 + outputs % 7, outputs: outputs, kernel: 1, pad: 0)))
    }
    for width in 1...13 {
      list.append(
        Case(
          conv: .init(outputs: 24, height: 1, width: width, kernel: 1, pad: 0, residual: 1),
          weightZero: -5))
    }
    list += [
      Case(conv: .init(channels: 20, outputs: 33, batch: 3, residual: 1), isBounded: true),
      Case(conv: .init(channels: 20, outputs: 40, stride: 2, batch: 2, hasOffsets: true)),
      Case(
        conv: .init(channels: 20, outputs: 41, height: 9, width: 9, pad: 2, dilation: 2, batch: 2),
        weightZero: 9, isBounded: true),
      // Rows of taps that are one.
      Case(
        conv: .init(channels: 3, outputs: 70, height: 19, width: 23, kernel: 7, stride: 2, pad: 3)),
      Case(
        conv: .init(channels: 3, outputs: 32, height: 9, width: 8, stride: 2, batch: 2),
        weightZero: 31),
      // Threads that share out outputs and panels.
      Case(conv: .init(channels: 16, outputs: 64, height: 29, width: 31, batch: 2), weightZero: 1),
      Case(conv: .init(channels: 300, outputs: 400, height: 7, width: 5, kernel: 1, pad: 0)),
      Case(conv: .init(channels: 8, outputs: 16, groups: 4)),
      Case(conv: .init(channels: 3, outputs: 5, groups: 3)),
    ]
    // Windows of channels.
    for channels in [8, 17, 32, 33, 64, 100] {
      list.append(
        Case(
          conv: .init(channels: 1, outputs: 1, groups: channels, residual: channels % 2),
          isBounded: channels % 3 == 0))
    }
    list += [
      Case(
        conv: .init(
          channels: 1, outputs: 1, groups: 40, height: 11, width: 10, kernel: 5, stride: 2, pad: 2,
          batch: 2, hasOffsets: true)),
      Case(
        conv: .init(channels: 1, outputs: 1, groups: 36, height: 9, width: 9, kernel: 7, pad: 3)),
    ]
    return list
  }()

  @Test(arguments: cases) func isTheExactSumScaled(_ c: Case) throws {
    for isa in InstructionSet.allCases where isa <= .detected {
      for block in isa == .scalar ? [8, 16] : isa == .avx2 ? [8] : [16] {
        try check(c, isa, block: block, threads: block == 16 ? 3 : 1)
      }
    }
  }

  private func check(_ c: Case, _ isa: InstructionSet, block: Int, threads: Int) throws {
    let g = c.conv.geometry
    let outputs = g.groups * g.outputs
    let step = BytePanels.step(g.groups * g.channels)
    var random = UInt64(outputs * 7919 + g.channels)
    func next() -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 40)
    }
    let blocks = (outputs + block - 1) / block
    let x = (0..<g.batch * g.inputPixels * step).map { _ in UInt8(next() % 256) }
    let w = (0..<g.weightCount).map { _ in Int8(next() % 256 - 128) }
    let scales = (0..<outputs).map { Float($0 % 5 + 3) / 9000 }
    let offsets: [Float]? =
      c.conv.hasOffsets ? (0..<outputs).map { Float($0 % 9) * 0.3 - 1 } : nil
    let z = (0..<g.batch * blocks * g.outputPixels * block).map { i in
      let m = i / block / g.outputPixels % blocks * block + i % block
      return m < outputs ? Float(next() % 1000) / 64 - 7 : 0
    }
    let (low, high): (Float, Float) = c.isBounded ? (0, 6) : (-.infinity, .infinity)
    let scale = PixelScale(0.03, zero: 117)
    let panels = BytePanels(g, isa: isa, isInOrder: true)
    let plan = try w.withUnsafeBufferPointer { w in
      let from = try #require(w.baseAddress)
      let sums = try ByteFilter.sums(from, outputs: outputs, count: g.channels * g.taps)
      return try ByteFloatConvPlan(
        panels, filter: ByteFilter(panels, source: from),
        sums: sums.bytes.assumingMemoryBound(to: Int32.self), scales: scales, offsets: offsets,
        weightZero: c.weightZero, low: low, high: high, block: block, threads: threads)
    }
    let input = try #require(GuardedMemory(bytes: x.count))
    let other = try #require(GuardedMemory(bytes: z.count * 4))
    let output = try #require(GuardedMemory(bytes: z.count * 4))
    let scratch = try #require(GuardedMemory(bytes: (plan.scratchBytes + 63) / 64 * 64))
    let from = input.start.assumingMemoryBound(to: UInt8.self)
    from.update(from: x, count: x.count)
    let residual = other.start.assumingMemoryBound(to: Float.self)
    residual.update(from: z, count: z.count)
    let y = output.start.assumingMemoryBound(to: Float.self)
    plan.run(
      x: from, scale, residual: c.conv.residual > 0 ? UnsafePointer(residual) : nil, y: y,
      scratch: scratch.start, pool: ThreadPool(threads: threads))
    var wrong = 0
    for pixel in 0..<g.batch * g.outputPixels {
      let (image, at) = (pixel / g.outputPixels, pixel % g.outputPixels)
      for m in 0..<blocks * block {
        let place = ((image * blocks + m / block) * g.outputPixels + at) * block + m % block
        var value: Float = 0
        if m < outputs {
          let sum = exact(g, x, w, step, pixel, m, zero: scale.zero, weightZero: c.weightZero)
          value = Float(sum) * (scale.scale * scales[m])
          value += offsets?[m] ?? 0
          value += c.conv.residual > 0 ? z[place] : 0
          value = min(max(value, low), high)
        }
        if y[place] != value { wrong += 1 }
      }
    }
    #expect(wrong == 0, "\(isa), blocks of \(block): \(wrong) results differ")
  }

  private func exact(
    _ g: ConvGeometry, _ x: [UInt8], _ w: [Int8], _ step: Int, _ pixel: Int, _ m: Int, zero: Int,
    weightZero: Int
  ) -> Int {
    let (image, at) = (pixel / g.outputPixels, pixel % g.outputPixels)
    let (row, column) = (at / g.output[2], at % g.output[2])
    var sum = 0
    for a in 0..<g.kernel[1] {
      for b in 0..<g.kernel[2] {
        let i = row * g.strides[1] - g.pads[1] + a * g.dilations[1]
        let j = column * g.strides[2] - g.pads[2] + b * g.dilations[2]
        guard (0..<g.input[1]).contains(i), (0..<g.input[2]).contains(j) else { continue }
        for c in 0..<g.channels {
          let from = ((image * g.input[1] + i) * g.input[2] + j) * step + m / g.outputs * g.channels
          let weight = w[(m * g.channels + c) * g.taps + a * g.kernel[2] + b]
          sum += (Int(x[from + c]) - zero) * (Int(weight) - weightZero)
        }
      }
    }
    return sum
  }

  @Test func blocksBecomePixels() throws {
    let scale = PixelScale(0.037, zero: 90)
    for (channels, pixels, block) in [
      (16, 9, 16), (19, 70, 16), (5, 3, 8), (64, 33, 8), (3, 5, 16),
    ] {
      let blocks = (channels + block - 1) / block
      let step = BytePanels.step(channels)
      let x = (0..<2 * blocks * pixels * block).map { i in
        let c = i / block / pixels % blocks * block + i % block
        return c < channels ? Float((i * 37) % 1001) / 100 - 5 : 0
      }
      for isa in InstructionSet.allCases where isa <= .detected {
        let moves = ByteMoves(batch: 2, channels: channels, pixels: pixels, isa: isa)
        let output = try #require(GuardedMemory(bytes: 2 * pixels * step))
        let y = output.start.assumingMemoryBound(to: UInt8.self)
        moves.quantize(blocks: x, of: block, scale, into: y, pool: .single)
        for i in 0..<2 * pixels * step {
          let (image, pixel, c) = (i / step / pixels, i / step % pixels, i % step)
          let at = ((image * blocks + c / block) * pixels + pixel) * block + c % block
          let value = c < channels ? scale.byte(x[at]) : scale.zero
          #expect(Int(y[i]) == value, "\(isa), \(channels) channels, byte \(i)")
        }
      }
    }
  }
}
