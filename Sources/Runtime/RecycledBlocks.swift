import Synchronization
import Tensors

/// Memory of large results that went, kept for those to come: what nodes that run on values make has
/// no place in an arena, and fresh pages cost as much as many an operator.
///
/// Kept and used blocks together never take more than those in use once did.
final class RecycledBlocks: Sendable {
  /// Smaller ones are not worth it: threads keep those by themselves.
  static let least = 1 << 18

  fileprivate struct State {
    /// By rising size.
    var free: [AllocatedBlock] = []
    var freeBytes = 0
    var usedBytes = 0
    var mostUsed = 0
  }
  private let state = Mutex(State())

  /// A block of at least `bytes` bytes; nil when the system has no memory.
  func take(_ bytes: Int) -> RecycledBlock? {
    let (known, dropped) = state.withLock { s -> (AllocatedBlock?, [AllocatedBlock]) in
      if let at = s.free.firstIndex(where: { $0.bytes >= bytes }), s.free[at].bytes / 2 <= bytes {
        let block = s.free.remove(at: at)
        s.freeBytes -= block.bytes
        s.usedBytes += block.bytes
        return (block, [])
      }
      return (nil, s.trim(for: bytes))
    }
    withExtendedLifetime(dropped) {}
    guard let block = known ?? AllocatedBlock(bytes: bytes, from: nil) else { return nil }
    state.withLock { s in
      if known == nil { s.usedBytes += block.bytes }
      s.mostUsed = max(s.mostUsed, s.usedBytes)
    }
    return RecycledBlock(block, self)
  }

  fileprivate func give(_ block: AllocatedBlock) {
    let dropped = state.withLock { s in
      s.usedBytes -= block.bytes
      s.freeBytes += block.bytes
      let at = s.free.firstIndex { $0.bytes >= block.bytes } ?? s.free.count
      s.free.insert(block, at: at)
      return s.trim()
    }
    withExtendedLifetime(dropped) {}
  }
}

extension RecycledBlocks.State {
  /// Takes out blocks, the smallest first, until the others fit beside `bytes` more; they are freed
  /// outside of the lock.
  fileprivate mutating func trim(for bytes: Int = 0) -> [AllocatedBlock] {
    var dropped: [AllocatedBlock] = []
    let room = mostUsed - usedBytes
    while freeBytes > 0, bytes > room || freeBytes > room - bytes {
      let block = free.removeFirst()
      freeBytes -= block.bytes
      dropped.append(block)
    }
    return dropped
  }
}

/// A block that goes back with the last reference to it.
final class RecycledBlock: @unchecked Sendable {
  let block: AllocatedBlock
  private let home: RecycledBlocks

  fileprivate init(_ block: AllocatedBlock, _ home: RecycledBlocks) {
    self.block = block
    self.home = home
  }

  deinit { home.give(block) }
}
