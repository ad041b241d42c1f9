import CSchemas
import Tensors

/// The primitives of the wire format, each checked against the end of the message around it.
package struct WireReader {
  package let bytes: UnsafeRawBufferPointer
  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// A base-128 integer of at most `limit` bytes.
  package func varint(_ at: inout Int, end: Int, bytes limit: Int = 10) throws(EngineError)
    -> UInt64
  {
    var value: UInt64 = 0
    let start = at
    for i in 0..<limit {
      guard at < end else { throw EngineError.wire("the file ends within a number", start) }
      let byte = bytes[at]
      at += 1
      value |= UInt64(byte & 0x7F) << UInt64(7 * i)
      if byte < 0x80 { return value }
    }
    throw EngineError.wire("a number is longer than \(limit) bytes", start)
  }

  /// Steps over a field's value and returns the range of its contents.
  package func skip(
    _ wire: Int, _ at: inout Int, end: Int, lengthPosition: inout Int
  ) throws(EngineError) -> Range<Int> {
    let start = at
    switch wire {
    case 0: _ = try varint(&at, end: end)
    case 1: at += 8
    case 5: at += 4
    default:
      lengthPosition = at
      let length = try varint(&at, end: end, bytes: 5)
      guard length <= UInt64(end - at) else {
        throw EngineError.wire(
          "a field runs past the end of its message", start, expected: "at most \(end - at) bytes",
          received: "\(length)")
      }
      let first = at
      at += Int(length)
      return first..<at
    }
    guard at <= end else {
      throw EngineError.wire("a field runs past the end of its message", start)
    }
    return start..<at
  }

  /// Whether a packed list holds whole elements.
  func checkPacked(_ type: ProtobufCType, _ range: Range<Int>) throws(EngineError) {
    switch WireReader.wireType(of: type) {
    case 1, 5:
      let size = WireReader.wireType(of: type) == 1 ? 8 : 4
      guard range.count % size == 0 else {
        throw EngineError.wire(
          "a packed list ends within an element", range.lowerBound,
          expected: "a multiple of \(size) bytes", received: "\(range.count)")
      }
    default:
      var at = range.lowerBound
      while at < range.upperBound { _ = try varint(&at, end: range.upperBound) }
    }
  }

  /// Whether a string is UTF-8 without NUL, which C strings cannot hold.
  package func checkText(
    _ range: Range<Int>, field: UnsafePointer<CChar>?, within name: UnsafePointer<CChar>?
  ) throws(EngineError) {
    let text = UnsafeRawBufferPointer(rebasing: bytes[range])
    guard let bad = WireReader.firstBadByte(text) else { return }
    let what = field.map { "field '\(String(cString: $0))'" } ?? "a string"
    let problem = text[bad] == 0 ? "holds a NUL byte" : "is not UTF-8"
    throw EngineError.wire("\(what) \(problem)", range.lowerBound + bad, within: name)
  }

  /// The first byte that is NUL or no part of well-formed UTF-8 (Unicode 16, table 3-7).
  package static func firstBadByte(_ text: UnsafeRawBufferPointer) -> Int? {
    var i = 0
    while i < text.count {
      let lead = text[i]
      if lead != 0 && lead < 0x80 {
        i += 1
        continue
      }
      let tail: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      switch lead {
      case 0xC2...0xDF: tail = 1
      case 0xE0: (tail, low) = (2, 0xA0)
      case 0xED: (tail, high) = (2, 0x9F)
      case 0xE1...0xEF: tail = 2
      case 0xF0: (tail, low) = (3, 0x90)
      case 0xF4: (tail, high) = (3, 0x8F)
      case 0xF1...0xF3: tail = 3
      default: return i
      }
      guard tail < text.count - i, text[i + 1] >= low, text[i + 1] <= high else { return i }
      for k in 1..<tail where text[i + 1 + k] & 0xC0 != 0x80 { return i }
      i += tail + 1
    }
    return nil
  }

  static func wireType(of type: ProtobufCType) -> Int {
    switch type {
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: 2
    case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32: 5
    case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64: 1
    default: 0
    }
  }
}
