import Formats
import Tensors

/// A place in an HDF5 file that moves on as fields are read. Nothing outside of its range is read.
struct HDF5Cursor {
  let bytes: UnsafeRawBufferPointer
  let widths: HDF5Widths
  var at: Int
  let end: Int

  /// Errors: `.malformed` where the range does not lie within the file.
  init(
    _ bytes: UnsafeRawBufferPointer, _ widths: HDF5Widths, from start: Int, count: Int? = nil
  ) throws(EngineError) {
    let length = count ?? bytes.count - start
    guard bytes.slice(start, length) != nil else {
      throw HDF5File.malformed("a structure lies outside of the file", start)
    }
    self.bytes = bytes
    self.widths = widths
    at = start
    end = start + length
  }

  var left: Int { end - at }

  /// Errors: `.malformed` at the end of the range; all reading functions say the same.
  mutating func skip(_ count: Int) throws(EngineError) {
    guard count >= 0, count <= left else { throw cutOff() }
    at += count
  }

  mutating func take(_ count: Int) throws(EngineError) -> UnsafeRawBufferPointer {
    guard count <= left, let slice = bytes.slice(at, count) else { throw cutOff() }
    at += count
    return slice
  }

  mutating func fixed<T: FixedWidthInteger>(_: T.Type) throws(EngineError) -> T {
    guard MemoryLayout<T>.size <= left, let value = bytes.little(T.self, at: at) else {
      throw cutOff()
    }
    at += MemoryLayout<T>.size
    return value
  }

  mutating func byte() throws(EngineError) -> Int { Int(try fixed(UInt8.self)) }
  mutating func short() throws(EngineError) -> Int { Int(try fixed(UInt16.self)) }
  mutating func word() throws(EngineError) -> Int { Int(try fixed(UInt32.self)) }

  /// An unsigned integer of 1, 2, 4 or 8 bytes that fits an `Int`.
  mutating func unsigned(bytes width: Int) throws(EngineError) -> Int {
    switch width {
    case 1: return try byte()
    case 2: return try short()
    case 4: return try word()
    case 8:
      let value = try fixed(UInt64.self)
      guard let narrow = Int(exactly: value) else {
        throw HDF5File.malformed("a number is too large", at - 8)
      }
      return narrow
    default: throw HDF5File.malformed("integers of \(width) bytes", at)
    }
  }

  /// An address in the file; nil where it is undefined (all bits set).
  mutating func address() throws(EngineError) -> Int? {
    let start = at
    let isUndefined = try take(widths.address).allSatisfy { $0 == 0xFF }
    if isUndefined { return nil }
    at = start
    let value = try unsigned(bytes: widths.address)
    guard value < bytes.count else {
      throw HDF5File.malformed("an address lies outside of the file", start)
    }
    return value
  }

  mutating func length() throws(EngineError) -> Int { try unsigned(bytes: widths.length) }

  mutating func expect(_ signature: String) throws(EngineError) {
    let start = at
    guard try take(signature.utf8.count).elementsEqual(signature.utf8) else {
      throw HDF5File.malformed("no '\(signature)' structure stands here", start)
    }
  }

  /// Text of `count` bytes that ends at the first zero.
  mutating func text(_ count: Int) throws(EngineError) -> String {
    let start = at
    let field = try take(count)
    guard let text = String(validating: field.prefix { $0 != 0 }, as: UTF8.self) else {
      throw HDF5File.malformed("a name is not UTF-8 text", start)
    }
    return text
  }

  /// Text up to a zero byte, which is taken too.
  mutating func terminatedText() throws(EngineError) -> String {
    guard let zero = bytes[at..<end].firstIndex(of: 0) else { throw cutOff() }
    return try text(zero + 1 - at)
  }

  private func cutOff() -> EngineError { HDF5File.malformed("a structure is cut off", at) }
}

/// The sizes in bytes of addresses and lengths: 2, 4 or 8.
struct HDF5Widths {
  var address = 8
  var length = 8
}
