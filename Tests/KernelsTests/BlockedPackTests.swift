import CKernels
import Tensors
import Testing

@testable import Kernels

/// Packing by transposing against the plain form, bit by bit and without a read or write beyond.
@Suite struct BlockedPackTests {
  #if arch(x86_64)
    @Test(arguments: [8, 16]) func equalsThePlainForm(_ lanes: Int) throws {
      guard InstructionSet.detected.blocked(lanes: lanes) != .scalar else { return }
      let pack = lanes == 16 ? dl_blocked_pack_f32__avx512 : dl_blocked_pack_f32__avx2
      for taps in [1, 3, 9, 25] {
        for channels in [1, 2, 3, 4, 7, 8, 16, 17, 31, 41] {
          for (blocks, missing) in [(1, 0), (1, lanes - 1), (2, 3), (3, 5)] {
            for isPlain in [false, true] {
              let outputs = blocks * lanes - missing
              let count = outputs * channels * taps
              let steps = isPlain ? 1 : lanes
              let inBlocks = (channels + steps - 1) / steps
              let last = isPlain ? 1 : (channels - (inBlocks - 1) * lanes + 3) / 4 * 4
              let size = ((inBlocks - 1) * steps + last) * taps * blocks * lanes
              let source = try #require(GuardedMemory(bytes: count * 4))
              let floats = source.start.assumingMemoryBound(to: Float.self)
              for i in 0..<count { floats[i] = Float(i + 1) }
              let (plain, fast) = (
                try #require(GuardedMemory(bytes: size * 4)),
                try #require(GuardedMemory(bytes: size * 4))
              )
              for m in [plain, fast] {
                m.start.initializeMemory(as: UInt8.self, repeating: 0xFF, count: size * 4)
              }
              var k = dl_blocked_weights(
                weights: UnsafePointer(floats), taps: taps, channels: channels, outputs: outputs,
                part: channels, share: Int(Int32.max), first_output: 0, first_channel: 0,
                blocks: blocks,
                lanes: lanes, is_plain: isPlain ? 1 : 0)
              dl_blocked_pack_f32(plain.start.assumingMemoryBound(to: Float.self), &k)
              pack(fast.start.assumingMemoryBound(to: Float.self), &k)
              let isSame = UnsafeRawBufferPointer(start: plain.start, count: size * 4)
                .elementsEqual(UnsafeRawBufferPointer(start: fast.start, count: size * 4))
              #expect(isSame, "\(taps) taps, \(channels) to \(outputs), plain \(isPlain)")
            }
          }
        }
      }
    }
  #endif
}
