import Glibc
import Tensors

/// What a session tells its observer, from whatever thread it happens on.
public enum SessionEvent: Sendable {
  /// The model is ready to run.
  case loaded(nodes: Int, weightBytes: Int, nanoseconds: UInt64)
  /// New input types were met and planned for; `peakBytes` is what a run of the plan takes.
  case planned(inputs: [TensorType?], peakBytes: Int, nanoseconds: UInt64)
  case finished(nanoseconds: UInt64)
  case failed(EngineError, nanoseconds: UInt64)
}

/// Where a session takes the memory of runs and of their results from.
public protocol MemoryAllocator: AnyObject, Sendable {
  /// At least `bytes` bytes at a multiple of `alignment`, or nil when there are none.
  func allocate(bytes: Int, alignment: Int) -> UnsafeMutableRawPointer?
  /// Takes back what `allocate` gave for `bytes`.
  func deallocate(_ memory: UnsafeMutableRawPointer, bytes: Int)
}

/// A block of an allocator, given back with the last reference to it.
final class AllocatedBlock: @unchecked Sendable {
  let memory: UnsafeMutableRawPointer
  let bytes: Int
  private let origin: Origin

  private enum Origin {
    case heap
    /// Pages of the system's, without a name.
    case pages
    case allocator(any MemoryAllocator)
  }

  /// Nil when there is no memory. Without an allocator the system's is taken.
  init?(bytes: Int, from allocator: (any MemoryAllocator)?) {
    self.bytes = max(bytes, 1)
    if let allocator {
      guard
        let block = allocator.allocate(bytes: self.bytes, alignment: Storage.alignment),
        UInt(bitPattern: block) % UInt(Storage.alignment) == 0
      else { return nil }
      memory = block
      origin = .allocator(allocator)
    } else {
      var block: UnsafeMutableRawPointer?
      guard posix_memalign(&block, Storage.alignment, self.bytes) == 0, let block else {
        return nil
      }
      memory = block
      origin = .heap
    }
  }

  /// `bytes` bytes or more for runs. The system's memory takes room for growth, which costs
  /// addresses only: a page that no run touches is never given.
  convenience init?(arena bytes: Int, from allocator: (any MemoryAllocator)?) {
    guard allocator == nil, bytes > 1 << 18, bytes < 1 << 46 else {
      self.init(bytes: max(64, bytes), from: allocator)
      return
    }
    self.init(pages: 1 << (Int.bitWidth - (bytes - 1).leadingZeroBitCount))
  }

  private init?(pages bytes: Int) {
    let block = mmap(
      nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let block, block != MAP_FAILED else { return nil }
    self.bytes = bytes
    memory = block
    origin = .pages
  }

  /// Gives the memory of whole pages from a byte on back to the system; what was in it is lost.
  func giveBack(from start: Int) {
    guard case .pages = origin else { return }
    let page = Int(getpagesize())
    let first = (start + page - 1) / page * page
    if first < bytes { madvise(memory + first, bytes - first, MADV_DONTNEED) }
  }

  deinit {
    switch origin {
    case .heap: free(memory)
    case .pages: munmap(memory, bytes)
    case .allocator(let allocator): allocator.deallocate(memory, bytes: bytes)
    }
  }
}

extension SessionState {
  /// Memory for a result, from the session's allocator where it has one.
  func allocate(_ type: TensorType) throws(EngineError) -> Storage {
    guard let allocator = options.allocator else {
      guard type.byteCount >= RecycledBlocks.least, !options.returnsMemory, type.dtype != .string,
        let kept = recycled.take(type.byteCount)
      else { return try Storage(type) }
      return Storage(type, borrowing: kept.block.memory, owner: kept)
    }
    guard let block = AllocatedBlock(bytes: type.byteCount, from: allocator) else {
      throw EngineError(
        .budget, "the session's allocator has no memory for a tensor of \(type)",
        received: "\(type.byteCount) bytes")
    }
    return Storage(type, borrowing: block.memory, owner: block)
  }
}
