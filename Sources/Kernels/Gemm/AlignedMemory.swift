import Glibc
import Tensors

/// Memory on a 64-byte boundary that lives as long as this object: packed constants.
final class AlignedMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer

  /// Errors: `.budget` when the system has no memory.
  init(byteCount: Int) throws(EngineError) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Storage.alignment, max(byteCount, 1)) == 0, let memory else {
      throw EngineError(.budget, "no memory to pack a constant", received: "\(byteCount) bytes")
    }
    bytes = memory
  }

  deinit { free(bytes) }
}
