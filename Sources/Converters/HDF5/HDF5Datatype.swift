import Tensors

/// The type of a dataset's or attribute's elements.
struct HDF5Datatype {
  enum Form: Equatable {
    case number(DType)
    /// An enumeration of 0 and 1 in one byte.
    case bool
    /// Text in `size` bytes, padded by zeros, or by blanks.
    case text(blankPadded: Bool)
    /// Text in the global heap.
    case heapText
    /// Bytes without a meaning of their own.
    case opaque
  }

  let form: Form
  /// Bytes of one element.
  let size: Int
  /// Bytes of the message.
  let length: Int
  let isBigEndian: Bool

  /// Reads the type at the cursor.
  ///
  /// Errors: `.malformed`; `.unsupported` for compounds, references, arrays and sequences.
  init(_ cursor: inout HDF5Cursor, depth: Int = 0) throws(EngineError) {
    let start = cursor.at
    let head = try cursor.byte()
    let version = head >> 4
    var bits = try cursor.byte()
    bits |= try cursor.short() << 8
    size = try cursor.word()
    guard depth < 4, (1...4).contains(version), size > 0 else {
      throw HDF5File.malformed("a type of version \(version) and \(size) bytes", start)
    }
    var isBig = false
    switch head & 15 {
    case 0:
      isBig = bits & 1 != 0
      let (offset, precision) = (try cursor.short(), try cursor.short())
      guard let dtype = Self.integer(size, isSigned: bits & 8 != 0), offset == 0,
        precision == size * 8
      else { throw HDF5File.refused("an integer of \(size) bytes and \(precision) bits") }
      form = .number(dtype)
    case 1:
      isBig = bits & 1 != 0
      let (offset, precision) = (try cursor.short(), try cursor.short())
      let exponent = (try cursor.byte(), try cursor.byte())
      let mantissa = (try cursor.byte(), try cursor.byte())
      try cursor.skip(4)
      guard bits & 0x40 == 0, offset == 0, precision == size * 8, mantissa.0 == 0,
        let dtype = Self.float(exponent: exponent, mantissa: mantissa.1)
      else { throw HDF5File.refused("a floating-point type of \(precision) bits") }
      form = .number(dtype)
    case 3:
      form = .text(blankPadded: bits & 15 == 2)
    case 5:
      form = .opaque
      try cursor.skip((bits & 0xFF))
    case 8:
      form = try Self.enumeration(&cursor, members: bits & 0xFFFF, version, size, depth)
    case 9:
      guard bits & 15 == 1 else { throw HDF5File.refused("a sequence of varying length") }
      guard size == 8 + cursor.widths.address else {
        throw HDF5File.malformed("text of a wrong size", start)
      }
      _ = try HDF5Datatype(&cursor, depth: depth + 1)
      form = .heapText
    default:
      let names = [
        2: "a time", 4: "a bit field", 6: "a compound", 7: "a reference", 10: "an array",
      ]
      throw HDF5File.refused("\(names[head & 15] ?? "an unknown type") as element type")
    }
    isBigEndian = isBig
    length = cursor.at - start
  }

  private static func integer(_ size: Int, isSigned: Bool) -> DType? {
    switch (size, isSigned) {
    case (1, true): .int8
    case (1, false): .uint8
    case (2, true): .int16
    case (2, false): .uint16
    case (4, true): .int32
    case (4, false): .uint32
    case (8, true): .int64
    case (8, false): .uint64
    default: nil
    }
  }

  private static func float(exponent: (place: Int, bits: Int), mantissa: Int) -> DType? {
    guard exponent.place == mantissa else { return nil }
    switch (exponent.bits, mantissa) {
    case (5, 10): return .float16
    case (8, 7): return .bfloat16
    case (8, 23): return .float32
    case (11, 52): return .float64
    default: return nil
    }
  }

  /// h5py writes booleans as the enumeration FALSE = 0, TRUE = 1.
  private static func enumeration(
    _ cursor: inout HDF5Cursor, members: Int, _ version: Int, _ size: Int, _ depth: Int
  ) throws(EngineError) -> Form {
    let base = try HDF5Datatype(&cursor, depth: depth + 1)
    guard members == 2, size == 1, base.size == 1, case .number = base.form else {
      throw HDF5File.refused("an enumeration other than of booleans")
    }
    for name in ["FALSE", "TRUE"] {
      let start = cursor.at
      guard try cursor.terminatedText() == name else {
        throw HDF5File.refused("an enumeration other than of booleans")
      }
      let used = cursor.at - start
      if version < 3, used % 8 != 0 { try cursor.skip(8 - used % 8) }
    }
    guard try cursor.byte() == 0, try cursor.byte() == 1 else {
      throw HDF5File.refused("an enumeration other than of booleans")
    }
    return .bool
  }
}
