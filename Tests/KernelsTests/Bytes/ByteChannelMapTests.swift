import CKernels
import Tensors
import Testing

@testable import Kernels

/// Channels gathered from images of bytes, the machine's way and plain C's, up to guard pages.
@Suite struct ByteChannelMapTests {
  private static func guarded(_ values: [UInt8]) throws -> GuardedMemory {
    let memory = try #require(GuardedMemory(bytes: values.count))
    memory.start.assumingMemoryBound(to: UInt8.self).update(from: values, count: values.count)
    return memory
  }

  private static let woven: [Int] = (0..<116).map { i -> Int in i % 2 * 60 + i / 2 }

  private static let cases: [(steps: [Int], map: [Int], isTabled: [Bool])] = [
    ([4], [2], [false]),
    ([60, 60], woven, [false, true]),
    ([200], Array((0..<200).reversed()), [true]),
    ([200], Array(70..<134), [false]),
    ([8, 132, 4], [0, 1, 2, 8, 139, 140, 143, 9, 77], [true, true, false]),
    ([64, 64, 64], Array(0..<192), [false, false, false]),
  ]

  @Test(arguments: cases.indices) func bytesComeFromTheirSources(_ number: Int) throws {
    let (steps, map, isTabled) = Self.cases[number]
    let pixels = 37
    func bytes(_ n: Int, _ factor: Int, _ start: Int) -> [UInt8] {
      (0..<n).map { i -> UInt8 in UInt8((i * factor + start) % 256) }
    }
    let tables: [UInt8] = steps.indices.flatMap { bytes(256, 91, $0) }
    let images: [[UInt8]] = steps.enumerated().map { bytes(pixels * $0.element, 7919, $0.offset) }
    let step = BytePanels.step(map.count)
    var places: [(Int, Int)] = []
    for (k, count) in steps.enumerated() {
      for byte in 0..<count { places.append((k, byte)) }
    }
    func expected(_ pixel: Int, _ c: Int) -> UInt8 {
      let (k, byte) = places[map[c]]
      let q = images[k][pixel * steps[k] + byte]
      return isTabled[k] ? tables[256 * k + Int(q)] : q
    }
    let memories = try images.map { try Self.guarded($0) }
    let inputs = memories.map(\.start)
    let kernel = try ByteChannelMap(
      pixels: pixels, steps: steps, map: map, isTabled: isTabled, threads: 2)
    for isPlain in [false, true] {
      let output = try #require(GuardedMemory(bytes: pixels * step))
      let y = output.start.assumingMemoryBound(to: UInt8.self)
      try inputs.withUnsafeBufferPointer { list in
        let base = try #require(list.baseAddress)
        kernel.run(
          inputs: base, tables: tables, y: y, pool: ThreadPool(threads: 2), isPlain: isPlain)
      }
      withExtendedLifetime(memories) {}
      var wrong = 0
      for p in 0..<pixels {
        for c in map.indices where y[p * step + c] != expected(p, c) { wrong += 1 }
      }
      #expect(wrong == 0, "\(isPlain)")
    }
  }
}
