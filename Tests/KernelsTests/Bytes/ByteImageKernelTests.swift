import CKernels
import Tensors
import Testing

@testable import Kernels

/// What byte kernels beside convolutions compute, on every instruction set, up to a guard page.
@Suite struct ByteImageKernelTests {
  private static func bytes(_ n: Int, seed: Int = 0) -> [UInt8] {
    (0..<n).map { UInt8(($0 * 7919 + seed * 31) % 256) }
  }
  private static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  private static func guarded(_ values: [UInt8]) throws -> GuardedMemory {
    let memory = try #require(GuardedMemory(bytes: values.count))
    memory.start.assumingMemoryBound(to: UInt8.self).update(from: values, count: values.count)
    return memory
  }

  @Test(arguments: [1, 3, 4, 20, 32, 50, 63, 64, 65, 130]) func poolings(_ channels: Int) throws {
    let step = BytePanels.step(channels)
    let axes = BlockedWindow.Axes(
      input: [7, 6], output: [4, 3], kernel: [3, 3], strides: [2, 2], dilations: [1, 1],
      pads: [1, 1])
    let x = Self.bytes(2 * 42 * step)
    let (from, to) = (PixelScale(0.3, zero: 100), PixelScale(0.25, zero: 60))
    for isa in Self.sets {
      let input = try Self.guarded(x)
      let output = try #require(GuardedMemory(bytes: 2 * 12 * step))
      let y = output.start.assumingMemoryBound(to: UInt8.self)
      let counts = (0...1).flatMap { i in (0..<axes.output[i]).map { axes.taps($0, i) } }
      for isMax in [true, false] {
        let kernel =
          isMax
          ? ByteWindow(max: axes, batch: 2, step: step, isa: isa)
          : ByteWindow(
            average: axes, counts: counts, from: from, to: to, batch: 2, step: step, isa: isa)
        kernel.run(x: input.start.assumingMemoryBound(to: UInt8.self), y: y, pool: .single)
        var wrong = 0
        for i in 0..<2 * 12 * step {
          let (c, place) = (i % step, i / step)
          let (image, row, column) = (place / 12, place / 3 % 4, place % 3)
          var list: [Int] = []
          for a in 0..<3 {
            for b in 0..<3 {
              let (r, k) = (row * 2 - 1 + a, column * 2 - 1 + b)
              guard r >= 0, k >= 0, r < 7, k < 6 else { continue }
              list.append(Int(x[((image * 7 + r) * 6 + k) * step + c]))
            }
          }
          if isMax {
            if Int(y[i]) != list.max() { wrong += 1 }
          } else {
            let sum = Float(list.reduce(0) { $0 + $1 - from.zero })
            let mean = sum * ((from.scale / to.scale) / Float(list.count))
            let q = Int(mean.rounded(.toNearestOrEven)) + to.zero
            if Int(y[i]) != max(0, min(255, q)) { wrong += 1 }
          }
        }
        #expect(wrong == 0, "\(isa) \(channels) \(isMax)")
      }
    }
  }

  @Test(arguments: [4, 16, 44, 132]) func largestSignedBytes(_ step: Int) throws {
    let axes = BlockedWindow.Axes(
      input: [3, 2], output: [2, 1], kernel: [2, 2], strides: [1, 1], dilations: [1, 1],
      pads: [0, 0])
    let x = Self.bytes(6 * step)
    for isa in Self.sets {
      let input = try Self.guarded(x)
      let output = try #require(GuardedMemory(bytes: 2 * step))
      let y = output.start.assumingMemoryBound(to: UInt8.self)
      ByteWindow(max: axes, batch: 1, step: step, isSigned: true, isa: isa).run(
        x: input.start.assumingMemoryBound(to: UInt8.self), y: y, pool: .single)
      for i in 0..<2 * step {
        let first = i / step * 2 * step + i % step
        let four = (0..<4).map { Int8(bitPattern: x[first + $0 * step]) }
        #expect(Int8(bitPattern: y[i]) == four.max(), "\(isa) \(i)")
      }
    }
  }

  @Test(arguments: [BytePair.Kind.sum, .product]) func pairs(_ kind: BytePair.Kind) throws {
    let (a, b, y) = (
      PixelScale(0.3, zero: 90), PixelScale(0.11, zero: 7), PixelScale(0.4, zero: 50)
    )
    for (n, period) in [(1, 1), (67, 67), (256, 64), (60, 12), (40_000, 40_000), (40_000, 20)] {
      let (p, q) = (Self.bytes(n, seed: 1), Self.bytes(period, seed: 2))
      for isa in Self.sets {
        let (left, right) = (try Self.guarded(p), try Self.guarded(q))
        let output = try #require(GuardedMemory(bytes: n))
        let result = output.start.assumingMemoryBound(to: UInt8.self)
        BytePair(kind, a, b, to: y, low: 40, high: 200, isa: isa).run(
          left.start.assumingMemoryBound(to: UInt8.self),
          right.start.assumingMemoryBound(to: UInt8.self), result, rows: 1, row: n, period: period,
          pool: ThreadPool(threads: 2))
        var wrong = 0
        for i in 0..<n {
          let (u, v) = (a.value(Int(p[i])), b.value(Int(q[i % period])))
          let sum = kind == .sum ? u + v : u * v
          let r = Int((sum * (1 / y.scale)).rounded(.toNearestOrEven)) + y.zero
          if Int(result[i]) != max(40, min(200, r)) { wrong += 1 }
        }
        #expect(wrong == 0, "\(isa) \(n) \(period)")
      }
    }
  }

  @Test(arguments: [1, 4, 20, 64, 72, 130, 4100]) func affine(_ step: Int) throws {
    let pixels = 19
    let x = Self.bytes(step * pixels)
    let factors = (0..<step).map { Float($0 % 23) * 0.11 - 1.2 }
    let shifts = (0..<step).map { Float($0 % 17) * 5.3 - 40 }
    for isa in Self.sets {
      let input = try Self.guarded(x)
      let output = try #require(GuardedMemory(bytes: x.count))
      let y = output.start.assumingMemoryBound(to: UInt8.self)
      ByteAffinePlan(
        factors: factors, shifts: shifts, zero: 90, yZero: 50, low: 40, high: 200, isa: isa
      ).run(
        input.start.assumingMemoryBound(to: UInt8.self), y, pixels: pixels,
        pool: ThreadPool(threads: 2))
      var wrong = 0
      for i in x.indices {
        let v = Float(Int(x[i]) - 90) * factors[i % step] + shifts[i % step]
        let r = Int(v.rounded(.toNearestOrEven)) + 50
        if Int(y[i]) != max(40, min(200, r)) { wrong += 1 }
      }
      #expect(wrong == 0, "\(isa)")
    }
  }

  @Test(arguments: [0, 1, 63, 64, 65, 1000]) func tables(_ n: Int) throws {
    let table = (0..<256).map { UInt8($0 * 91 % 256) }
    let x = Self.bytes(n)
    let input = try Self.guarded(x)
    let output = try #require(GuardedMemory(bytes: n))
    let y = output.start.assumingMemoryBound(to: UInt8.self)
    dl_byte_table_u8(table, input.start.assumingMemoryBound(to: UInt8.self), y, n)
    #expect((0..<n).allSatisfy { y[$0] == table[Int(x[$0])] })
    dl_byte_table_u8__scalar(table, input.start.assumingMemoryBound(to: UInt8.self), y, n)
    #expect((0..<n).allSatisfy { y[$0] == table[Int(x[$0])] })
  }

  @Test(arguments: [1, 3, 4, 5, 30]) func movesThereAndBack(_ channels: Int) throws {
    let (pixels, step) = (77, BytePanels.step(channels))
    let scale = PixelScale(0.05, zero: 120)
    let x = (0..<2 * channels * pixels).map { i in
      i % 97 == 5 ? Float.nan : Float((i * 37) % 401) * 0.05 - 10
    }
    for isa in Self.sets {
      let moves = ByteMoves(batch: 2, channels: channels, pixels: pixels, isa: isa)
      let bytes = try #require(GuardedMemory(bytes: 2 * pixels * step))
      let q = bytes.start.assumingMemoryBound(to: UInt8.self)
      let back = try #require(GuardedMemory(bytes: x.count * 4))
      let y = back.start.assumingMemoryBound(to: Float.self)
      moves.quantize(x, scale, into: q, pool: .single)
      moves.dequantize(q, scale, into: y, pool: .single)
      var wrong = 0
      for i in x.indices {
        let (image, c, p) = (i / (channels * pixels), i / pixels % channels, i % pixels)
        let byte = Int(q[(image * pixels + p) * step + c])
        if byte != scale.byte(x[i]) || y[i] != scale.value(byte) { wrong += 1 }
      }
      #expect(wrong == 0, "\(isa)")
      let planes = try #require(GuardedMemory(bytes: x.count))
      let plain = planes.start.assumingMemoryBound(to: UInt8.self)
      moves.toPlanes(q, flip: 128, into: plain, pool: .single)
      let again = try #require(GuardedMemory(bytes: 2 * pixels * step))
      let r = again.start.assumingMemoryBound(to: UInt8.self)
      moves.toPixels(plain, flip: 128, filler: 120, into: r, pool: .single)
      #expect((0..<2 * pixels * step).allSatisfy { r[$0] == q[$0] }, "\(isa)")
    }
  }
}
