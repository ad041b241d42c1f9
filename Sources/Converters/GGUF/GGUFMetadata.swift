import Tensors

/// The key-value pairs at the head of a GGUF file, as text. Arrays are counted and not kept: a
/// vocabulary is no weight.
struct GGUFMetadata {
  private(set) var pairs: [(key: String, value: String)] = []
  /// Bytes that tensors begin at multiples of.
  private(set) var alignment = 32

  private static let maxKey = 65_535
  private static let maxArray = 1 << 28

  /// Errors: `.malformed` for what cannot be; `.budget` for what is too large; `.unsupported` for
  /// arrays of arrays.
  init(_ cursor: inout GGUFCursor, count: Int) throws(EngineError) {
    var seen: Set<String> = []
    for _ in 0..<count {
      let place = cursor.at
      let key = try cursor.string("a key", most: Self.maxKey)
      guard seen.insert(key).inserted else {
        throw EngineError(
          .malformed, "key '\(key)' stands twice", subject: .init(offset: place))
      }
      let type = try cursor.integer(UInt32.self, "the type of '\(key)'")
      if key == "general.alignment" {
        try readAlignment(&cursor, type)
        continue
      }
      pairs.append((key, try Self.value(&cursor, type, key)))
    }
  }

  private mutating func readAlignment(
    _ cursor: inout GGUFCursor, _ type: UInt32
  ) throws(EngineError) {
    guard type == 4 else {
      throw EngineError(
        .malformed, "general.alignment is of another type", expected: "4 (uint32)",
        received: "\(type)")
    }
    let value = try cursor.integer(UInt32.self, "general.alignment")
    // 0 and what is no power of two let paddings wrap.
    guard value >= 1, value <= 1 << 20, value.nonzeroBitCount == 1 else {
      throw EngineError(
        .malformed, "general.alignment is out of range", expected: "a power of two up to 2^20",
        received: "\(value)")
    }
    alignment = Int(value)
    pairs.append(("general.alignment", "\(value)"))
  }

  private static func value(
    _ cursor: inout GGUFCursor, _ type: UInt32, _ key: String
  ) throws(EngineError) -> String {
    let what = "'\(key)'"
    switch type {
    case 0: return "\(try cursor.integer(UInt8.self, what))"
    case 1: return "\(try cursor.integer(Int8.self, what))"
    case 2: return "\(try cursor.integer(UInt16.self, what))"
    case 3: return "\(try cursor.integer(Int16.self, what))"
    case 4: return "\(try cursor.integer(UInt32.self, what))"
    case 5: return "\(try cursor.integer(Int32.self, what))"
    case 6: return "\(Float(bitPattern: try cursor.integer(UInt32.self, what)))"
    case 7:
      let flag = try cursor.integer(UInt8.self, what)
      guard flag <= 1 else {
        throw EngineError(
          .malformed, "\(what) is a boolean", expected: "0 or 1", received: "\(flag)")
      }
      return flag == 1 ? "true" : "false"
    case 8: return try cursor.string(what)
    case 9: return try array(&cursor, what)
    case 10: return "\(try cursor.integer(UInt64.self, what))"
    case 11: return "\(try cursor.integer(Int64.self, what))"
    case 12: return "\(Double(bitPattern: try cursor.integer(UInt64.self, what)))"
    default:
      throw EngineError(
        .malformed, "\(what) is of an unknown type", expected: "0 to 12", received: "\(type)",
        subject: .init(offset: cursor.at - 4))
    }
  }

  private static let sizes: [UInt32: (bytes: Int, name: String)] = [
    0: (1, "uint8"), 1: (1, "int8"), 2: (2, "uint16"), 3: (2, "int16"), 4: (4, "uint32"),
    5: (4, "int32"), 6: (4, "float32"), 7: (1, "bool"), 10: (8, "uint64"), 11: (8, "int64"),
    12: (8, "float64"),
  ]

  private static func array(
    _ cursor: inout GGUFCursor, _ what: String
  ) throws(EngineError) -> String {
    let type = try cursor.integer(UInt32.self, "the type of \(what)")
    let count = try cursor.size("the length of \(what)", most: maxArray)
    if type == 8 {
      // Each string takes eight bytes at least, so the file bounds the loop.
      guard count <= cursor.left / 8 else {
        throw EngineError(
          .malformed, "\(what) holds more strings than the file", received: "\(count)")
      }
      for _ in 0..<count {
        let length = try cursor.size("a string of \(what)", most: GGUFCursor.maxString)
        try cursor.skip(length, what)
      }
      return "[\(count) strings]"
    }
    guard let element = sizes[type] else {
      throw EngineError(
        type == 9 ? .unsupported : .malformed,
        "\(what) is an array of an element type that is none",
        expected: "0 to 8 or 10 to 12", received: "\(type)")
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: element.bytes)
    guard !overflow else {
      throw EngineError(.budget, "\(what) is too large", received: "\(count) elements")
    }
    try cursor.skip(bytes, what)
    return "[\(count) \(element.name)]"
  }
}
