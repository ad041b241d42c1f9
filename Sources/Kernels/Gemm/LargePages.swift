import Glibc
import Synchronization
import Tensors

/// Memory in pages of 2 MiB for packed weights of products and convolutions.
///
/// Weights that come from memory are read once a run, from end to end: with pages of 4 KiB a product
/// of few rows waits for the page tables about as often as for the memory. They lie one after
/// another in slabs, so that the last page of each is not lost; a slab goes back to the system with
/// the last of them, pages of one with that. Where the system has no large pages these are usual
/// ones.
final class LargePages: Sendable {
  /// Smaller blocks are better off in usual memory.
  static let leastBytes = 1 << 18
  static let shared = LargePages()

  private static let page = 1 << 21
  /// Addresses that a slab takes; memory is given when it is written.
  private static let slabBytes = 1 << 28

  private struct Current {
    weak var slab: Slab?
    var used = 0
  }
  private let current = Mutex(Current())

  /// A stretch of addresses, unmapped with its last user.
  final class Slab: @unchecked Sendable {
    let memory: UnsafeMutableRawPointer
    private let reserved: UnsafeMutableRawPointer
    private let reservedBytes: Int

    /// Nil where the system gives no addresses.
    init?(bytes: Int) {
      reservedBytes = bytes + LargePages.page
      let block = mmap(
        nil, reservedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1, 0)
      guard let block, block != MAP_FAILED else { return nil }
      reserved = block
      memory = block.alignedUp(toMultipleOf: LargePages.page)
      // Advice alone: the memory serves without it as well.
      _ = madvise(memory, bytes, MADV_HUGEPAGE)
    }

    deinit { munmap(reserved, reservedBytes) }
  }

  /// `bytes` bytes at a cache line, and what keeps them; nil where there are none.
  func take(bytes: Int) -> (memory: UnsafeMutableRawPointer, slab: Slab)? {
    let size = (bytes + Storage.alignment - 1) / Storage.alignment * Storage.alignment
    return current.withLock { current in
      if let slab = current.slab, current.used + size <= LargePages.slabBytes {
        defer { current.used += size }
        return (slab.memory + current.used, slab)
      }
      guard let slab = Slab(bytes: max(size, LargePages.slabBytes)) else { return nil }
      if size < LargePages.slabBytes { current = Current(slab: slab, used: size) }
      return (slab.memory, slab)
    }
  }

  /// Gives pages back that lie in a block whose contents nobody needs, while others of its slab
  /// live on.
  static func giveBack(_ memory: UnsafeMutableRawPointer, _ bytes: Int) {
    let small = 4096
    let first = memory.alignedUp(toMultipleOf: small)
    let end = (memory + bytes).alignedDown(toMultipleOf: small)
    if first < end { _ = madvise(first, end - first, MADV_DONTNEED) }
  }
}
