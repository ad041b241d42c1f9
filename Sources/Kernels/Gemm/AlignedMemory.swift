import Glibc
import Tensors

/// Memory on a 64-byte boundary that lives as long as this object: packed constants.
final class AlignedMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  let byteCount: Int
  /// What keeps memory alive that already holds its contents and must not be written.
  private let held: Tensor?
  /// What the memory is part of, where it is not the heap's.
  private let slab: LargePages.Slab?

  /// Whether the contents are there, and must not be written.
  var isFilled: Bool { held != nil }

  /// `inLargePages`: read from end to end and often, so that large pages pay.
  ///
  /// Errors: `.budget` when the system has no memory.
  init(byteCount: Int, inLargePages: Bool = false) throws(EngineError) {
    held = nil
    self.byteCount = byteCount
    if inLargePages, byteCount >= LargePages.leastBytes,
      let taken = LargePages.shared.take(bytes: byteCount)
    {
      (bytes, slab) = (taken.memory, taken.slab)
      return
    }
    slab = nil
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Storage.alignment, max(byteCount, 1)) == 0, let memory else {
      throw EngineError(.budget, "no memory to pack a constant", received: "\(byteCount) bytes")
    }
    bytes = memory
  }

  /// The bytes of `tensor`, where they are.
  init(holding tensor: Tensor) {
    bytes = tensor.storage.bytes
    byteCount = tensor.byteCount
    held = tensor
    slab = nil
  }

  /// The contents as uint8, sharing memory.
  var tensor: Tensor {
    Tensor(Storage(TensorType(.uint8, [byteCount]), borrowing: bytes, owner: self))
  }

  deinit {
    if slab != nil {
      LargePages.giveBack(bytes, byteCount)
    } else if held == nil {
      free(bytes)
    }
  }
}
