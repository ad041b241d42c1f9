import Glibc
import Synchronization
import Tensors

/// Memory on a 64-byte boundary that lives as long as this object: packed constants.
///
/// What is large lies side by side in stretches that ask the system for large pages. Weights are
/// read from end to end at every run, and with pages of 4 KB the processor spends much of that
/// time on looking up where they lie: a product of one row read 1.45 times as fast from large ones,
/// one of 128 rows 1.04 times.
final class AlignedMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  /// Nil for memory of its own.
  private let stretch: LargePages?

  /// Errors: `.budget` when the system has no memory.
  init(byteCount: Int) throws(EngineError) {
    if byteCount >= AlignedMemory.least, let (memory, stretch) = LargePages.take(byteCount) {
      bytes = memory
      self.stretch = stretch
      return
    }
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Storage.alignment, max(byteCount, 1)) == 0, let memory else {
      throw EngineError(.budget, "no memory to pack a constant", received: "\(byteCount) bytes")
    }
    bytes = memory
    stretch = nil
  }

  deinit { if stretch == nil { free(bytes) } }

  /// Smaller pieces would keep a stretch alive for little.
  private static let least = 64 << 10
}

/// A stretch of address space that is handed out from its start; what has not been written takes
/// no memory. It goes back to the system with the last object that holds it.
private final class LargePages: @unchecked Sendable {
  private let mapped: UnsafeMutableRawPointer
  private let mappedBytes: Int
  private let start: UnsafeMutableRawPointer
  private let byteCount: Int
  /// Guarded by `current`.
  private var used = 0

  private static let page = 2 << 20
  private static let stretchBytes = 64 << 20
  private struct Current { weak var stretch: LargePages? }
  private static let current = Mutex(Current())

  /// Nil where the system gives no address space.
  static func take(_ byteCount: Int) -> (UnsafeMutableRawPointer, LargePages)? {
    let need = (byteCount + 63) & ~63
    return current.withLock { current in
      if let stretch = current.stretch, let memory = stretch.take(need) {
        return (memory, stretch)
      }
      guard let stretch = LargePages(byteCount: max(need, stretchBytes)),
        let memory = stretch.take(need)
      else { return nil }
      current.stretch = stretch
      return (memory, stretch)
    }
  }

  private func take(_ need: Int) -> UnsafeMutableRawPointer? {
    guard need <= byteCount - used else { return nil }
    defer { used += need }
    return start + used
  }

  private init?(byteCount: Int) {
    let (end, overflow) = byteCount.addingReportingOverflow(2 * LargePages.page)
    guard !overflow else { return nil }
    let whole = (byteCount + LargePages.page - 1) & ~(LargePages.page - 1)
    guard
      let memory = mmap(
        nil, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    mapped = memory
    mappedBytes = end
    let skip = (LargePages.page - Int(bitPattern: memory) % LargePages.page) % LargePages.page
    start = memory + skip
    self.byteCount = whole
    // Only a wish: with ordinary pages everything works as well.
    _ = madvise(start, whole, MADV_HUGEPAGE)
  }

  deinit { munmap(mapped, mappedBytes) }
}
