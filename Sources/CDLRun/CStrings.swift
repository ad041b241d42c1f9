import Glibc
import Synchronization

/// Copies of strings for C, freed with this object.
final class CStrings: @unchecked Sendable {
  private let list = Mutex<[UnsafeMutablePointer<CChar>]>([])

  /// The text's UTF-8 and a NUL, whatever else it holds.
  func keep(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8)
    guard let memory = malloc(bytes.count + 1) else { return Failure.none }
    let copy = memory.bindMemory(to: CChar.self, capacity: bytes.count + 1)
    bytes.withUnsafeBytes { if let base = $0.baseAddress { memcpy(copy, base, $0.count) } }
    copy[bytes.count] = 0
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
