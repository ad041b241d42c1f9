/// The memory and type of a tensor: owned, borrowed from an owner that it keeps alive, or a view.
///
/// Contents are written by whoever creates the storage, before anyone else sees it, and do not
/// change after that; this is what makes it safe to share between threads.
public final class Storage: @unchecked Sendable {
  public let type: TensorType
  /// The elements, 64-byte aligned when owned. Valid for `type.byteCount` bytes.
  public let bytes: UnsafeMutableRawPointer
  /// Elements of a string tensor; empty for every other dtype.
  public let strings: [String]
  /// Keeps the memory of a view or a mapped file alive. Nil when the memory is owned.
  @usableFromInline let owner: AnyObject?
  @usableFromInline let isOwned: Bool

  /// Alignment of owned memory, in bytes: a cache line and the widest vector.
  public static let alignment = 64

  /// Uninitialised memory for a tensor of `type`.
  ///
  /// Errors: `.budget` when the system has no such amount of memory.
  public init(_ type: TensorType) throws(EngineError) {
    guard let memory = BlockPool.take(type.byteCount) else {
      throw EngineError(
        .budget, "no memory for a tensor of \(type)", received: "\(type.byteCount) bytes")
    }
    self.type = type
    bytes = memory
    strings = []
    owner = nil
    isOwned = true
  }

  /// A string tensor. `strings.count` must be the shape's count.
  public init(_ shape: Shape, strings: [String]) {
    precondition(shape.count == strings.count, "\(strings.count) strings for shape \(shape)")
    type = TensorType(.string, shape)
    bytes = Storage.nothing
    self.strings = strings
    owner = nil
    isOwned = false
  }

  /// Memory that `owner` keeps alive: a mapped file, an arena, an array of the caller.
  public init(_ type: TensorType, borrowing bytes: UnsafeMutableRawPointer, owner: AnyObject?) {
    self.type = type
    self.bytes = bytes
    strings = []
    self.owner = owner
    isOwned = false
  }

  /// The bytes of `other` from `offset` on under another type, sharing its memory.
  public init(viewing other: Storage, as type: TensorType, from offset: Int = 0) {
    precondition(
      offset >= 0 && type.byteCount <= other.type.byteCount - offset && other.strings.isEmpty,
      "a view of \(type) from byte \(offset) of \(other.type)")
    self.type = type
    bytes = other.bytes + offset
    strings = []
    owner = other.isOwned ? other : other.owner
    isOwned = false
  }

  /// Whether the bytes start where owned memory does: at a cache line.
  public var isAligned: Bool { UInt(bitPattern: bytes) % UInt(Storage.alignment) == 0 }
  /// Whether the bytes belong to someone else, such as a mapped file.
  public var isBorrowed: Bool { !isOwned }
  /// What keeps borrowed bytes alive; nil where they are owned or lent.
  public var keeper: AnyObject? { owner }
  /// Whether the bytes belong to a caller who keeps them alive by himself, for a while.
  public var isLent: Bool { !isOwned && owner == nil && type.dtype != .string }

  deinit { if isOwned { BlockPool.give(bytes, type.byteCount) } }

  /// A valid address for tensors that have no bytes.
  @usableFromInline nonisolated(unsafe) static let nothing = UnsafeMutableRawPointer.allocate(
    byteCount: 64, alignment: 64)
}

extension Storage {
  /// A valid address that holds nothing, for absent inputs and outputs.
  public static var empty: UnsafeMutableRawPointer { nothing }
}

/// Memory that the system can read again from a file, as a mapping is.
public protocol MappedMemory: AnyObject, Sendable {
  /// Gives back the physical pages that lie within `bytes`; they are read again when touched.
  func releasePages(_ bytes: UnsafeRawBufferPointer)
}

extension Storage {
  /// Gives back the physical memory of a mapped file's part, after a kernel took a packed copy of
  /// it. Contents stay as they are. Nothing happens for other memory.
  public func releasePages() {
    guard type.byteCount >= 1 << 16, let mapped = owner as? any MappedMemory else { return }
    mapped.releasePages(UnsafeRawBufferPointer(start: bytes, count: type.byteCount))
  }
}
