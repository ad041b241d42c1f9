import Tensors

/// Reads numbers and strings of a GGUF file one after another, never beyond its end.
struct GGUFCursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var at = 0

  /// Bytes of the longest string that is read. Vocabularies and chat templates stay far below.
  static let maxString = 16 << 20

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var left: Int { bytes.count - at }

  private func cut(_ what: String) -> EngineError {
    EngineError(
      .malformed, "the file ends within \(what)", received: "\(left) bytes more",
      subject: .init(offset: at))
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type, _ what: String) throws(EngineError) -> T {
    let size = MemoryLayout<T>.size
    guard left >= size else { throw cut(what) }
    let value = T(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: T.self))
    at += size
    return value
  }

  /// A size of 64 bits.
  ///
  /// Errors: `.budget` for more than `most`.
  mutating func size(_ what: String, most: Int) throws(EngineError) -> Int {
    let start = at
    let value = try integer(UInt64.self, what)
    guard let size = Int(exactly: value), size <= most else {
      throw EngineError(
        .budget, "\(what) is too large", expected: "at most \(most)", received: "\(value)",
        subject: .init(offset: start))
    }
    return size
  }

  mutating func skip(_ count: Int, _ what: String) throws(EngineError) {
    guard count >= 0, count <= left else { throw cut(what) }
    at += count
  }

  /// UTF-8 text without NUL.
  mutating func string(_ what: String, most: Int = maxString) throws(EngineError) -> String {
    let count = try size("the length of \(what)", most: most)
    let start = at
    try skip(count, what)
    let slice = bytes[start..<at]
    guard !slice.contains(0), let text = String(validating: slice, as: UTF8.self) else {
      throw EngineError(
        .malformed, "\(what) is not UTF-8 text without NUL", subject: .init(offset: start))
    }
    return text
  }
}
