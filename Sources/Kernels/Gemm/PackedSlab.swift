import Glibc
import Synchronization
import Tensors

/// Address space that packed constants are cut from, one after another. The system backs it with
/// large pages as far as it is used: fewer faults while packing, and fewer lookups while running.
final class PackedSlab: @unchecked Sendable {
  /// Constants of fewer bytes have memory of their own.
  static let smallest = 1 << 17
  private static let size = 64 << 20
  private static let largePage = 2 << 20

  private let base: UnsafeMutableRawPointer
  private let mapped: UnsafeMutableRawPointer
  private let mappedBytes: Int
  private let limit: Int
  private let used = Mutex(0)

  /// Nil where the system gives no address space. Nothing is resident before it is written.
  init?(holding bytes: Int) {
    let (wanted, overflow) = max(bytes, Self.size).addingReportingOverflow(Self.largePage)
    guard !overflow, wanted <= Int.max - Self.largePage,
      let memory = mmap(
        nil, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    let start = (UInt(bitPattern: memory) + UInt(Self.largePage) - 1) & ~UInt(Self.largePage - 1)
    base = memory + Int(start - UInt(bitPattern: memory))
    mapped = memory
    mappedBytes = wanted
    limit = wanted - Self.largePage
    madvise(base, limit, MADV_HUGEPAGE)
  }

  /// The next `bytes` bytes, from a page on; nil where they do not fit.
  func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
    used.withLock { used in
      guard bytes <= limit - used else { return nil }
      let start = used
      used = min(limit, (used + bytes + 4095) & ~4095)
      return base + start
    }
  }

  deinit { munmap(mapped, mappedBytes) }
}

/// The slabs of one store of packed constants, the last of which may have room.
final class PackedSlabs: Sendable {
  private let last = Mutex<PackedSlab?>(nil)

  /// Memory for a large constant; nil for small ones, and where there is no address space.
  func memory(byteCount: Int) -> AlignedMemory? {
    guard byteCount >= PackedSlab.smallest else { return nil }
    return last.withLock { last in
      if let last, let memory = AlignedMemory(byteCount: byteCount, in: last) { return memory }
      guard let slab = PackedSlab(holding: byteCount) else { return nil }
      last = slab
      return AlignedMemory(byteCount: byteCount, in: slab)
    }
  }
}
