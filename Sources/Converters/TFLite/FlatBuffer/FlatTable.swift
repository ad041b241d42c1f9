import Formats
import Tensors

/// A table of a flatbuffer: every offset, vtable, vector and string is checked before it is used.
///
/// A table begins with the distance back to its vtable, which holds its own size, the table's size
/// and the place of each field, 0 for fields that are absent. Vectors and strings begin with their
/// length. Tables are looked at when they are asked for, so nesting costs no stack.
///
/// Source: FlatBuffers' `binary_format` document (Google, Apache 2.0).
struct FlatTable {
  let file: FileBytes
  let position: Int
  private let vtable: Int
  private let fieldCount: Int
  private let size: Int

  private var bytes: UnsafeRawBufferPointer { file.bytes }

  /// The root table of a file whose identifier is `identifier`.
  ///
  /// Errors: `.malformed`.
  init(root file: FileBytes, identifier: String) throws(EngineError) {
    guard let offset = file.bytes.little(UInt32.self, at: 0), let name = file.bytes.slice(4, 4),
      name.elementsEqual(identifier.utf8)
    else {
      throw EngineError(
        .malformed, "the file is no flatbuffer", expected: "'\(identifier)' at byte 4")
    }
    try self.init(file, at: Int(offset))
  }

  /// The table at byte `position`.
  ///
  /// Errors: `.malformed` where table or vtable do not lie within the file.
  init(_ file: FileBytes, at position: Int) throws(EngineError) {
    guard position % 4 == 0, let back = file.bytes.little(Int32.self, at: position) else {
      throw Self.outside("a table", position)
    }
    let vtable = position - Int(back)
    guard vtable % 2 == 0, let length = file.bytes.little(UInt16.self, at: vtable),
      let size = file.bytes.little(UInt16.self, at: vtable + 2), length >= 4, length % 2 == 0,
      file.bytes.slice(vtable, Int(length)) != nil, size >= 4,
      file.bytes.slice(position, Int(size)) != nil
    else { throw Self.outside("the fields of a table", position) }
    self.file = file
    self.position = position
    self.vtable = vtable
    self.size = Int(size)
    fieldCount = (Int(length) - 4) / 2
  }

  private static func outside(_ what: String, _ offset: Int) -> EngineError {
    EngineError(
      .malformed, "\(what) of the flatbuffer lies outside of it or is not aligned",
      subject: .init(offset: offset))
  }

  /// The byte of field `i`, `width` bytes wide; nil where it is absent.
  private func place(_ i: Int, _ width: Int) throws(EngineError) -> Int? {
    guard i < fieldCount, let offset = bytes.little(UInt16.self, at: vtable + 4 + 2 * i),
      offset != 0
    else { return nil }
    guard Int(offset) >= 4, Int(offset) + width <= size else {
      throw Self.outside("a field", position + Int(offset))
    }
    return position + Int(offset)
  }

  private func scalar<T: FixedWidthInteger>(_ i: Int, _: T.Type) throws(EngineError) -> T? {
    guard let at = try place(i, MemoryLayout<T>.size) else { return nil }
    return bytes.little(T.self, at: at)
  }

  func int8(_ i: Int) throws(EngineError) -> Int { Int(try scalar(i, Int8.self) ?? 0) }
  func uint8(_ i: Int) throws(EngineError) -> Int { Int(try scalar(i, UInt8.self) ?? 0) }
  func int(_ i: Int, _ fallback: Int = 0) throws(EngineError) -> Int {
    try scalar(i, Int32.self).map { Int($0) } ?? fallback
  }
  func uint(_ i: Int) throws(EngineError) -> Int { Int(try scalar(i, UInt32.self) ?? 0) }
  func ulong(_ i: Int) throws(EngineError) -> UInt64 { try scalar(i, UInt64.self) ?? 0 }
  func bool(_ i: Int, _ fallback: Bool = false) throws(EngineError) -> Bool {
    try scalar(i, UInt8.self).map { $0 != 0 } ?? fallback
  }
  func float(_ i: Int, _ fallback: Float = 0) throws(EngineError) -> Float {
    try scalar(i, UInt32.self).map { Float(bitPattern: $0) } ?? fallback
  }

  /// Where the offset in field `i` points; nil where it is absent.
  private func target(_ i: Int) throws(EngineError) -> Int? {
    guard let at = try place(i, 4), let offset = bytes.little(UInt32.self, at: at) else {
      return nil
    }
    // Offsets point forwards, so that no chain of them comes back.
    guard offset >= 4, Int(offset) <= bytes.count - at else { throw Self.outside("a field", at) }
    return at + Int(offset)
  }

  func table(_ i: Int) throws(EngineError) -> FlatTable? {
    guard let at = try target(i) else { return nil }
    return try FlatTable(file, at: at)
  }

  /// The bytes of the elements of a vector, each `width` bytes wide.
  func vector(_ i: Int, width: Int) throws(EngineError) -> Range<Int>? {
    guard let at = try target(i) else { return nil }
    guard at % 4 == 0, let count = bytes.little(UInt32.self, at: at) else {
      throw Self.outside("a vector", at)
    }
    let length = Int(count).multipliedReportingOverflow(by: width)
    guard !length.overflow, length.partialValue <= bytes.count - at - 4 else {
      throw Self.outside("a vector", at)
    }
    return (at + 4)..<(at + 4 + length.partialValue)
  }

  private func numbers<T: FixedWidthInteger>(_ i: Int, _: T.Type) throws(EngineError) -> [T]? {
    let width = MemoryLayout<T>.size
    guard let range = try vector(i, width: width) else { return nil }
    return stride(from: range.lowerBound, to: range.upperBound, by: width).map {
      bytes.little(T.self, at: $0) ?? 0
    }
  }

  func ints(_ i: Int) throws(EngineError) -> [Int]? {
    try numbers(i, Int32.self)?.map { Int($0) }
  }
  func longs(_ i: Int) throws(EngineError) -> [Int]? {
    try numbers(i, Int64.self)?.map { Int($0) }
  }
  func floats(_ i: Int) throws(EngineError) -> [Float]? {
    try numbers(i, UInt32.self)?.map { Float(bitPattern: $0) }
  }

  /// A vector of tables.
  ///
  /// Errors: `.budget` for more than `limit`.
  func tables(_ i: Int, limit: Int = 1_000_000) throws(EngineError) -> [FlatTable] {
    guard let range = try vector(i, width: 4) else { return [] }
    guard range.count / 4 <= limit else {
      throw EngineError(
        .budget, "a list of the flatbuffer is too long", expected: "at most \(limit)",
        received: "\(range.count / 4)")
    }
    var list: [FlatTable] = []
    for at in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
      guard let offset = bytes.little(UInt32.self, at: at), offset >= 4,
        Int(offset) <= bytes.count - at
      else { throw Self.outside("an entry of a list", at) }
      list.append(try FlatTable(file, at: at + Int(offset)))
    }
    return list
  }

  /// Text, "" where it is absent.
  ///
  /// Errors: `.malformed` where it is not UTF-8 or holds NUL.
  func string(_ i: Int) throws(EngineError) -> String {
    guard let range = try vector(i, width: 1) else { return "" }
    let text = UnsafeRawBufferPointer(rebasing: bytes[range])
    if let bad = WireReader.firstBadByte(text) {
      throw EngineError(
        .malformed, "a name is not UTF-8 or holds NUL",
        subject: .init(offset: range.lowerBound + bad))
    }
    return String(decoding: text, as: UTF8.self)
  }
}
