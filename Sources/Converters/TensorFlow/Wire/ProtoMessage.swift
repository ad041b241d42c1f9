import Formats
import Tensors

/// A serialised protobuf message within a file, walked field by field and never copied.
///
/// Messages inside it are ranges of the same file that nobody has looked at yet, so nesting costs no
/// stack and a field that is not asked for costs nothing.
struct ProtoMessage: Sendable {
  let file: FileBytes
  let range: Range<Int>

  init(_ file: FileBytes, _ range: Range<Int>) {
    self.file = file
    self.range = range
  }
  init(_ file: FileBytes) { self.init(file, 0..<file.bytes.count) }

  /// One field of a message.
  struct Field {
    let number: Int
    /// 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
    let wire: Int
    /// The number of a varint or of fixed bytes.
    let bits: UInt64
    let message: ProtoMessage

    var int: Int { Int(truncatingIfNeeded: bits) }
    var bool: Bool { bits != 0 }
    var float: Float { Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
  }

  /// Calls `body` with each field in turn.
  ///
  /// Errors: `.malformed` where the bytes are no fields; those of `body`.
  func forEach(_ body: (Field) throws(EngineError) -> Void) throws(EngineError) {
    let reader = WireReader(file.bytes)
    var at = range.lowerBound
    let end = range.upperBound
    while at < end {
      let start = at
      let tag = try reader.varint(&at, end: end, bytes: 5)
      let wire = Int(tag & 7)
      let number = Int(tag >> 3)
      guard number > 0, [0, 1, 2, 5].contains(wire) else {
        throw malformed("a field has an illegal number or kind", start)
      }
      if wire == 0 {
        let bits = try reader.varint(&at, end: end)
        try body(Field(number: number, wire: 0, bits: bits, message: ProtoMessage(file, at..<at)))
        continue
      }
      var place = at
      let inner = try reader.skip(wire, &at, end: end, lengthPosition: &place)
      var bits: UInt64 = 0
      if wire == 1 {
        bits = file.bytes.little(UInt64.self, at: inner.lowerBound) ?? 0
      } else if wire == 5 {
        bits = UInt64(file.bytes.little(UInt32.self, at: inner.lowerBound) ?? 0)
      }
      try body(Field(number: number, wire: wire, bits: bits, message: ProtoMessage(file, inner)))
    }
  }

  /// The last field with this number; later ones win, as protobuf has it.
  func last(_ number: Int) throws(EngineError) -> Field? {
    var found: Field?
    try forEach { (f) throws(EngineError) in if f.number == number { found = f } }
    return found
  }

  /// All fields with this number.
  func all(_ number: Int) throws(EngineError) -> [Field] {
    var found: [Field] = []
    try forEach { (f) throws(EngineError) in if f.number == number { found.append(f) } }
    return found
  }

  /// The contents as text.
  ///
  /// Errors: `.malformed` where they are not UTF-8 or hold NUL.
  func text() throws(EngineError) -> String {
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    if let bad = WireReader.firstBadByte(bytes) {
      throw malformed("a name is not UTF-8 or holds NUL", range.lowerBound + bad)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  var bytes: [UInt8] { Array(file.bytes[range]) }

  /// A repeated number of varint kind, packed or not: what this field, the list's, adds.
  static func ints(_ field: Field, into list: inout [Int]) throws(EngineError) {
    guard field.wire == 2 else {
      list.append(field.int)
      return
    }
    let message = field.message
    let reader = WireReader(message.file.bytes)
    var at = message.range.lowerBound
    while at < message.range.upperBound {
      list.append(
        Int(truncatingIfNeeded: try reader.varint(&at, end: message.range.upperBound)))
    }
  }

  /// A repeated number of fixed bytes, packed or not.
  static func fixed<T: FixedWidthInteger & UnsignedInteger>(
    _ field: Field, _: T.Type, into list: inout [T]
  ) throws(EngineError) {
    guard field.wire == 2 else {
      list.append(T(truncatingIfNeeded: field.bits))
      return
    }
    let size = MemoryLayout<T>.size
    guard field.message.range.count % size == 0 else {
      throw field.message.malformed(
        "a packed list ends within an element", field.message.range.lowerBound)
    }
    for at in stride(
      from: field.message.range.lowerBound, to: field.message.range.upperBound, by: size)
    {
      list.append(field.message.file.bytes.little(T.self, at: at) ?? 0)
    }
  }

  /// The entries of a map field whose keys are text: key and the field of the value.
  func map(_ number: Int) throws(EngineError) -> [(key: String, value: ProtoMessage)] {
    var entries: [(key: String, value: ProtoMessage)] = []
    try forEach { (f) throws(EngineError) in
      guard f.number == number, f.wire == 2 else { return }
      entries.append(try f.message.entry())
    }
    return entries
  }

  /// A map's entry.
  func entry() throws(EngineError) -> (key: String, value: ProtoMessage) {
    var key = ""
    var value = ProtoMessage(file, range.upperBound..<range.upperBound)
    try forEach { (f) throws(EngineError) in
      if f.number == 1 { key = try f.message.text() }
      if f.number == 2 { value = f.message }
    }
    return (key, value)
  }

  func malformed(_ what: String, _ offset: Int? = nil) -> EngineError {
    EngineError(.malformed, what, subject: .init(offset: offset ?? range.lowerBound))
  }
}
