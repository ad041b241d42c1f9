import Synchronization
import Tensors

/// Arenas that no run of a session uses at the moment. All plans share them: a run takes one that
/// is large enough, so that many input sizes take the memory of the largest, and a new size finds
/// pages that the system has already given.
final class ArenaPool: Sendable {
  private let idle = Mutex<[AllocatedBlock]>([])
  private let allocator: (any MemoryAllocator)?
  /// More runs than this at once give their arenas back to the system.
  private static let limit = 8

  init(_ allocator: (any MemoryAllocator)?) { self.allocator = allocator }

  /// An arena of `bytes` bytes or more for one run.
  ///
  /// Errors: `.budget` when there is no memory.
  func take(bytes: Int) throws(EngineError) -> AllocatedBlock {
    let found = idle.withLock { list -> AllocatedBlock? in
      // The smallest that is large enough; else the largest makes way for the new one.
      var best = -1
      var largest = -1
      for i in list.indices {
        let size = list[i].bytes
        if size >= bytes, best < 0 || size < list[best].bytes { best = i }
        if largest < 0 || size > list[largest].bytes { largest = i }
      }
      if best >= 0 { return list.remove(at: best) }
      if largest >= 0 { list.remove(at: largest) }
      return nil
    }
    if let found { return found }
    guard let block = AllocatedBlock(arena: bytes, from: allocator) else {
      throw EngineError(.budget, "no memory to run the graph", received: "\(bytes) bytes")
    }
    return block
  }

  func give(_ arena: AllocatedBlock) {
    idle.withLock { if $0.count < ArenaPool.limit { $0.append(arena) } }
  }

  /// Gives back what is much larger than runs of `bytes` bytes need.
  func trim(to bytes: Int) {
    idle.withLock { list in list.removeAll { $0.bytes / 8 > max(bytes, 1 << 16) } }
  }
}
