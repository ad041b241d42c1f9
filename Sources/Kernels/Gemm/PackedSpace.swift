import Tensors

/// Where the bytes of a packed constant lie: in memory of their own that the packer fills, or where
/// they are already, as in a compiled model's mapped file.
public struct PackedSpace: Sendable {
  /// Memory of its own, filled by the calling thread.
  public static let fresh = PackedSpace(nil, pool: .single)
  private let held: Tensor?
  /// The threads that may help to fill it.
  let pool: ThreadPool

  /// `held`: the packed bytes as uint8; nil where there are none yet.
  init(_ held: Tensor?, pool: ThreadPool) {
    self.held = held
    self.pool = pool
  }

  /// Whether the bytes are there, so that their source need not be read.
  public var isFilled: Bool { held != nil }

  /// Memory of `byteCount` bytes that starts at a cache line; see `AlignedMemory.isFilled` and
  /// `AlignedMemory.init(byteCount:inLargePages:)`.
  ///
  /// Errors: `.budget` when the system has no memory; `.malformed` when the bytes that are there
  /// are not so many.
  func memory(
    byteCount: Int, inLargePages: Bool = false
  ) throws(EngineError) -> AlignedMemory {
    guard let held else {
      return try AlignedMemory(byteCount: byteCount, inLargePages: inLargePages)
    }
    try check(held, byteCount)
    return AlignedMemory(holding: held)
  }

  /// Memory for a tensor of `type`, which `fill` writes where it is not there.
  ///
  /// Errors: those of `memory(byteCount:)` and of `fill`.
  public func storage(
    _ type: TensorType, fill: (Storage) throws(EngineError) -> Void
  ) throws(EngineError) -> Storage {
    if let held {
      try check(held, type.byteCount)
      return Storage(type, borrowing: held.storage.bytes, owner: held.storage)
    }
    let storage = try Storage(type)
    try fill(storage)
    return storage
  }

  private func check(_ held: Tensor, _ byteCount: Int) throws(EngineError) {
    let address = UInt(bitPattern: held.storage.bytes)
    guard held.byteCount == byteCount, address % UInt(Storage.alignment) == 0 else {
      throw EngineError(
        .malformed, "the packed form of a constant does not fit its use",
        expected: "\(byteCount) bytes from a multiple of \(Storage.alignment)",
        received: "\(held.byteCount)")
    }
  }
}

/// A packed constant whose bytes may be kept in a file and used where they lie there. They hold
/// numbers alone: whatever they are, kernels stay within their memory.
public protocol PackedForm: AnyObject, Sendable {
  /// The bytes as uint8, sharing memory.
  var packedBytes: Tensor { get }
}

extension Storage: PackedForm {
  public var packedBytes: Tensor {
    Tensor(Storage(viewing: self, as: TensorType(.uint8, [type.byteCount])))
  }
}
