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
  private let bytes: Int
  private let allocator: (any MemoryAllocator)?

  /// Nil when there is no memory. Without an allocator the system's is taken.
  init?(bytes: Int, from allocator: (any MemoryAllocator)?) {
    self.bytes = max(bytes, 1)
    self.allocator = allocator
    if let allocator {
      guard
        let block = allocator.allocate(bytes: self.bytes, alignment: Storage.alignment),
        UInt(bitPattern: block) % UInt(Storage.alignment) == 0
      else { return nil }
      memory = block
    } else {
      var block: UnsafeMutableRawPointer?
      guard posix_memalign(&block, Storage.alignment, self.bytes) == 0, let block else {
        return nil
      }
      memory = block
    }
  }

  deinit {
    if let allocator { allocator.deallocate(memory, bytes: bytes) } else { free(memory) }
  }
}

extension SessionState {
  /// Memory for a result, from the session's allocator where it has one.
  func allocate(_ type: TensorType) throws(EngineError) -> Storage {
    guard let allocator = options.allocator else { return try Storage(type) }
    guard let block = AllocatedBlock(bytes: type.byteCount, from: allocator) else {
      throw EngineError(
        .budget, "the session's allocator has no memory for a tensor of \(type)",
        received: "\(type.byteCount) bytes")
    }
    return Storage(type, borrowing: block.memory, owner: block)
  }
}
