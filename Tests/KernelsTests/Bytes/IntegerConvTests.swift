import Kernels
import Testing

/// Convolutions of codes against sums one by one, on every instruction set.
@Suite struct IntegerConvTests {
  struct Case: Sendable, CustomStringConvertible {
    var batch = 1
    var groups = 1
    /// Channels of a group.
    var inputs = 3
    var outputs = 5
    var size = [7, 9]
    var kernel = [3, 3]
    var strides = [1, 1]
    var dilations = [1, 1]
    var pads = [1, 1]
    var description: String {
      "\(batch)x\(groups)x\(inputs)>\(outputs) \(size) \(kernel) \(strides) \(dilations) \(pads)"
    }
    var output: [Int] {
      size.indices.map {
        (size[$0] + 2 * pads[$0] - (kernel[$0] - 1) * dilations[$0] - 1) / strides[$0] + 1
      }
    }
    var geometry: IntegerConv.Geometry {
      IntegerConv.Geometry(
        batch: batch, groups: groups, inputs: inputs, outputs: outputs, kernel: kernel,
        strides: strides, dilations: dilations, pads: pads, input: size, output: output)
    }
  }

  static let cases: [Case] = [
    Case(), Case(batch: 2, groups: 3, inputs: 2, outputs: 4, strides: [2, 1]),
    Case(groups: 6, inputs: 1, outputs: 1),
    Case(groups: 2, inputs: 1, outputs: 2, strides: [1, 2]),
    Case(inputs: 1, outputs: 1, strides: [2, 3], dilations: [2, 2], pads: [2, 0]),
    Case(inputs: 37, outputs: 9, size: [5, 21], kernel: [1, 1], pads: [0, 0]),
    Case(
      inputs: 6, outputs: 2, size: [30, 31], kernel: [5, 3], dilations: [2, 1], pads: [3, 2]),
    Case(
      batch: 2, inputs: 70, outputs: 7, size: [40], kernel: [9], strides: [2], dilations: [1],
      pads: [4]),
    Case(
      inputs: 2, outputs: 3, size: [4, 5, 6], kernel: [2, 3, 2], strides: [1, 2, 1],
      dilations: [1, 1, 2], pads: [1, 0, 1]),
  ]

  private func number(_ x: UInt8, _ isSigned: Bool) -> Int {
    isSigned ? Int(Int8(bitPattern: x)) : Int(x)
  }

  /// The sums, places of taps and outputs told from their numbers.
  private func plain(
    _ c: Case, _ x: [UInt8], _ w: [UInt8], _ xZero: Int, _ wZeros: [Int], _ signs: (Bool, Bool)
  ) -> [Int32] {
    let (positions, plane) = (c.output.reduce(1, *), c.size.reduce(1, *))
    let taps = c.kernel.reduce(1, *)
    var y: [Int32] = []
    for image in 0..<c.batch {
      for m in 0..<c.groups * c.outputs {
        for o in 0..<positions {
          var sum = 0
          for channel in 0..<c.inputs {
            for t in 0..<taps {
              var (left, tap, place, step, isInside) = (o, t, 0, 1, true)
              for a in c.size.indices.reversed() {
                let at =
                  left % c.output[a] * c.strides[a] + tap % c.kernel[a] * c.dilations[a]
                  - c.pads[a]
                isInside = isInside && at >= 0 && at < c.size[a]
                place += at * step
                (left, tap, step) = (left / c.output[a], tap / c.kernel[a], step * c.size[a])
              }
              guard isInside else { continue }
              let from = (image * c.groups + m / c.outputs) * c.inputs + channel
              sum +=
                (number(x[from * plane + place], signs.0) - xZero)
                * (number(w[(m * c.inputs + channel) * taps + t], signs.1) - wZeros[m])
            }
          }
          y.append(Int32(truncatingIfNeeded: sum))
        }
      }
    }
    return y
  }

  @Test(arguments: cases) func equalsSumsOneByOne(c: Case) throws {
    let (channels, taps) = (c.groups * c.outputs, c.kernel.reduce(1, *))
    let x = (0..<c.batch * c.groups * c.inputs * c.size.reduce(1, *)).map {
      UInt8(truncatingIfNeeded: $0 &* 97 &+ $0 / 11)
    }
    let w = (0..<channels * c.inputs * taps).map { UInt8(truncatingIfNeeded: $0 &* 59 &+ 3) }
    for (xIsSigned, wIsSigned) in [(false, false), (false, true), (true, false), (true, true)] {
      for several in [false, true] {
        let zero: UInt8 = xIsSigned ? UInt8(bitPattern: -5) : 131
        let wZeros = (0..<(several ? channels : 1)).map { UInt8(truncatingIfNeeded: 250 &+ $0 * 3) }
        let want = plain(
          c, x, w, number(zero, xIsSigned),
          (0..<channels).map { number(wZeros[several ? $0 : 0], wIsSigned) },
          (xIsSigned, wIsSigned))
        for isa in InstructionSet.allCases where isa <= .detected {
          for threads in [1, 3] {
            let conv = IntegerConv(
              c.geometry, xIsSigned: xIsSigned, wIsSigned: wIsSigned, threads: threads, isa: isa)
            let scratch = try #require(GuardedMemory(bytes: conv.scratchBytes))
            let y = try #require(GuardedMemory(bytes: want.count * 4))
            nonisolated(unsafe) let sums = y.start.assumingMemoryBound(to: Int32.self)
            conv.run(
              x, zero: Int32(number(zero, xIsSigned)), weights: w, weightZeros: wZeros,
              weightZeroStep: several ? 1 : 0, scratch: scratch.start,
              pool: threads == 1 ? .single : ThreadPool(threads: threads)
            ) { channel, place, from, n in
              (sums + place).update(from: from, count: n)
            }
            let got = Array(UnsafeBufferPointer(start: sums, count: want.count))
            #expect(got == want, "\(isa) \(threads) \(xIsSigned) \(wIsSigned) \(several)")
          }
        }
      }
    }
  }
}
