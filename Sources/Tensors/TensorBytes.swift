/// A tensor's bytes. Keeps the tensor's memory alive while it is used.
@frozen public struct TensorBytes: RandomAccessCollection, Sendable {
  @usableFromInline let storage: Storage
  public let count: Int

  @inlinable init(_ storage: Storage, count: Int) {
    self.storage = storage
    self.count = count
  }

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }

  @inlinable public subscript(i: Int) -> UInt8 {
    precondition(i >= 0 && i < count, "index beyond a tensor's bytes")
    // The storage must not go before the byte is read.
    return withExtendedLifetime(storage) {
      storage.bytes.assumingMemoryBound(to: UInt8.self)[i]
    }
  }

  @inlinable public func withContiguousStorageIfAvailable<R>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> R
  ) rethrows -> R? {
    try withExtendedLifetime(storage) {
      try body(
        UnsafeBufferPointer(start: storage.bytes.assumingMemoryBound(to: UInt8.self), count: count))
    }
  }
}
