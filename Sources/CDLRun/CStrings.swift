import Glibc
import Synchronization

/// Copies of strings for C, freed with this object.
final class CStrings: @unchecked Sendable {
  private let list = Mutex<[UnsafeMutablePointer<CChar>]>([])

  func keep(_ text: String) -> UnsafePointer<CChar> {
    guard let copy = strdup(text) else { return Failure.none }
    let address = UInt(bitPattern: copy)
    list.withLock { list in
      if let copy = UnsafeMutablePointer<CChar>(bitPattern: address) { list.append(copy) }
    }
    return UnsafePointer(copy)
  }

  deinit { list.withLock { for text in $0 { free(text) } } }
}

/// An array for C, freed with this object.
final class CArray<T>: @unchecked Sendable {
  let base: UnsafeMutablePointer<T>
  private let count: Int
  init(_ values: [T]) {
    base = .allocate(capacity: max(values.count, 1))
    base.initialize(from: values, count: values.count)
    count = values.count
  }
  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }
}
