import Glibc
import Synchronization

/// Copies of strings for C, freed with this object.
final class CStrings: @unchecked Sendable {
  private let list = Mutex<[UnsafeMutablePointer<CChar>]>([])

  /// All of the text, NULs within it too, and a NUL behind it.
  func keep(_ text: String) -> UnsafePointer<CChar> {
    var text = text
    let copy = text.withUTF8 { utf8 -> UnsafeMutablePointer<CChar>? in
      guard let room = malloc(utf8.count + 1) else { return nil }
      let copy = room.bindMemory(to: CChar.self, capacity: utf8.count + 1)
      if let source = utf8.baseAddress { memcpy(copy, source, utf8.count) }
      copy[utf8.count] = 0
      return copy
    }
    guard let copy else { return Failure.none }
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
