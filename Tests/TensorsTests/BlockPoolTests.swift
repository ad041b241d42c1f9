import Testing

@testable import Tensors

/// Recycled memory.
@Suite struct BlockPoolTests {
  /// Each size fits its class, which is at most a quarter larger, and classes rise.
  @Test func classesFit() {
    var last = (index: 0, bytes: 0)
    for bytes in Array(1...5000) + [1 << 20, (1 << 20) + 1, BlockPool.largest] {
      let c = BlockPool.sizeClass(bytes)
      #expect(c.bytes >= bytes)
      #expect(c.bytes <= max(64, bytes + bytes / 4 + 4), "\(bytes) bytes take \(c.bytes)")
      #expect(c.index >= last.index && c.bytes >= last.bytes)
      if c.index == last.index { #expect(last.bytes == 0 || c.bytes == last.bytes) }
      #expect(c.index < 80)
      last = c
    }
  }

  /// Blocks come back to who asks for as many bytes, aligned, and no two at once.
  @Test func blocksAreRecycled() throws {
    for count in [1, 16, 17, 100, 4096, 100_000] {
      let type = TensorType(.float32, [count])
      let first = try Storage(type).bytes
      let again = try Storage(type)
      #expect(again.bytes == first)
      #expect(Int(bitPattern: again.bytes) % 64 == 0)
      let other = try Storage(type)
      #expect(other.bytes != again.bytes)
    }
  }

  /// A list and a thread keep only so much.
  @Test func listsAreLimited() throws {
    var held: [Storage] = []
    for _ in 0..<BlockPool.longest * 2 { held.append(try Storage(TensorType(.uint8, [100]))) }
    #expect(Set(held.map(\.bytes)).count == held.count)
    held = []
    for _ in 0..<BlockPool.longest * 2 { held.append(try Storage(TensorType(.uint8, [100]))) }
    #expect(Set(held.map(\.bytes)).count == held.count)
  }

  /// Memory that one thread takes and another frees.
  @Test func threadsExchangeBlocks() async throws {
    for _ in 0..<4 {
      let made = try await Task.detached {
        try (0..<200).map { try Tensor([Int64($0), 7]) }
      }.value
      for (i, t) in made.enumerated() { #expect(Array(t.elements(Int64.self)) == [Int64(i), 7]) }
    }
  }

  /// Large memory is kept by threads that ask for it, up to what they ask for.
  @Test func limitsAreTheThreads() throws {
    let type = TensorType(.uint8, [12 << 20])
    Storage.recycle(upTo: 0)
    let small = TensorType(.uint8, [64])
    _ = try Storage(small)
    Storage.recycle(upTo: 1 << 26)
    let first = try Storage(type).bytes
    #expect(try Storage(type).bytes == first)
    Storage.recycle(upTo: BlockPool.usualLimit)
  }
}
