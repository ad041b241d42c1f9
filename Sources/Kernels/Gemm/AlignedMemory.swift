import Glibc
import Tensors

/// Memory on a 64-byte boundary that lives as long as this object: packed constants.
final class AlignedMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  let byteCount: Int
  /// What keeps memory alive that already holds its contents and must not be written.
  private let held: Tensor?

  /// Whether the contents are there, and must not be written.
  var isFilled: Bool { held != nil }

  /// Errors: `.budget` when the system has no memory.
  init(byteCount: Int) throws(EngineError) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Storage.alignment, max(byteCount, 1)) == 0, let memory else {
      throw EngineError(.budget, "no memory to pack a constant", received: "\(byteCount) bytes")
    }
    bytes = memory
    self.byteCount = byteCount
    held = nil
  }

  /// The bytes of `tensor`, where they are.
  init(holding tensor: Tensor) {
    bytes = tensor.storage.bytes
    byteCount = tensor.byteCount
    held = tensor
  }

  /// The contents as uint8, sharing memory.
  var tensor: Tensor {
    Tensor(Storage(TensorType(.uint8, [byteCount]), borrowing: bytes, owner: self))
  }

  deinit { if held == nil { free(bytes) } }
}
