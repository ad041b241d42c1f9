/// A tensor's elements in row-major order. Keeps the tensor's memory alive while it is used.
@frozen public struct TensorElements<T: Element>: RandomAccessCollection, Sendable {
  @usableFromInline let storage: Storage
  public let count: Int

  @inlinable init(_ storage: Storage, count: Int) {
    self.storage = storage
    self.count = count
  }

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }

  @inlinable public subscript(i: Int) -> T {
    precondition(i >= 0 && i < count, "index beyond a tensor's elements")
    // The storage must not go before the element is read.
    return withExtendedLifetime(storage) {
      storage.bytes.assumingMemoryBound(to: T.self)[i]
    }
  }

  @inlinable public func withContiguousStorageIfAvailable<R>(
    _ body: (UnsafeBufferPointer<T>) throws -> R
  ) rethrows -> R? {
    try withExtendedLifetime(storage) {
      try body(
        UnsafeBufferPointer(start: storage.bytes.assumingMemoryBound(to: T.self), count: count))
    }
  }
}
