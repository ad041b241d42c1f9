import Kernels
import Tensors
import Testing

/// Channels of blocked images in another order, element by element, in guarded memory.
@Suite struct BlockedChannelMapTests {
  private static func floats(_ count: Int) throws -> (GuardedMemory, UnsafeMutablePointer<Float>) {
    let memory = try #require(GuardedMemory(bytes: count * 4))
    return (memory, memory.start.assumingMemoryBound(to: Float.self))
  }

  static let maps: [([Int], [Int])] = [
    ([5, 24, 1, 17], Array(0..<47)), ([48], Array(5..<22)),
    ([60], (0..<60).map { $0 % 3 * 20 + $0 / 3 }), ([16, 16], (0..<32).reversed()),
    ([1], [0, 0, 0]),
  ]

  @Test(arguments: maps.indices) func everyChannelFindsItsPlace(_ i: Int) throws {
    let (channels, map) = Self.maps[i]
    for (isa, lanes) in BlockedConvPlanTests.sets {
      for pixels in [1, 2, 3, 4, 5, 9, 4096] {
        let kernel = try BlockedChannelMap(
          batch: 2, channels: channels, map: map, pixels: pixels, lanes: lanes,
          threads: pixels > 9 ? 3 : 1, isa: isa)
        var memories: [GuardedMemory] = []
        var inputs: [UnsafeMutableRawPointer] = []
        // Image, then channel, then pixel; lanes beyond the last channel are no channel's.
        func value(_ n: Int, _ input: Int, _ c: Int, _ p: Int) -> Float {
          Float(((n * 4 + input) * 64 + c) * 4096 + p)
        }
        for (k, count) in channels.enumerated() {
          let blocks = (count + lanes - 1) / lanes
          let (memory, x) = try Self.floats(2 * blocks * pixels * lanes)
          for j in 0..<2 * blocks * pixels * lanes {
            let (lane, p, block) = (j % lanes, j / lanes % pixels, j / lanes / pixels % blocks)
            x[j] = value(j / lanes / pixels / blocks, k, block * lanes + lane, p)
          }
          memories.append(memory)
          inputs.append(memory.start)
        }
        let blocks = (map.count + lanes - 1) / lanes
        let (memory, y) = try Self.floats(2 * blocks * pixels * lanes)
        inputs.withUnsafeBufferPointer { table in
          if let start = table.baseAddress {
            kernel.run(inputs: start, y: y, pool: ThreadPool(threads: 2))
          }
        }
        var wrong = 0
        for j in 0..<2 * blocks * pixels * lanes {
          let (lane, p, block) = (j % lanes, j / lanes % pixels, j / lanes / pixels % blocks)
          let c = block * lanes + lane
          var want: Float = 0
          if c < map.count {
            var (rest, input) = (map[c], 0)
            while rest >= channels[input] {
              rest -= channels[input]
              input += 1
            }
            want = value(j / lanes / pixels / blocks, input, rest, p)
          }
          if y[j] != want { wrong += 1 }
        }
        #expect(wrong == 0, "\(channels) \(pixels) \(isa) \(lanes)")
        withExtendedLifetime((memories, memory)) {}
      }
    }
  }
}
