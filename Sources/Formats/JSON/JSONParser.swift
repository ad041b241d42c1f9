import Tensors

/// Parses JSON strictly: UTF-8, paired surrogates, no member twice, nothing behind the value.
///
/// With `nonFinite`, the literals `NaN`, `Infinity` and `-Infinity` that Python writes are numbers.
///
/// Errors: `.malformed` with line and byte; `.budget` for nesting or a number of values beyond the
/// limits. Source: RFC 8259.
public struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  private let maxDepth: Int
  private let nonFinite: Bool
  private var at = 0
  private var valuesLeft: Int

  private init(_ bytes: UnsafeRawBufferPointer, _ limits: TensorLimits, _ nonFinite: Bool) {
    self.bytes = bytes
    self.nonFinite = nonFinite
    maxDepth = limits.depth
    valuesLeft = limits.bytes / 32
  }

  public static func parse(
    _ bytes: UnsafeRawBufferPointer, limits: TensorLimits = TensorLimits(), nonFinite: Bool = false
  ) throws(EngineError) -> JSONValue {
    var parser = JSONParser(bytes, limits, nonFinite)
    let value = try parser.value(depth: 0)
    parser.skipBlanks()
    guard parser.at == bytes.count else { throw parser.fail("nothing behind the value") }
    return value
  }

  public static func parse(
    _ bytes: [UInt8], limits: TensorLimits = TensorLimits(), nonFinite: Bool = false
  ) throws(EngineError) -> JSONValue {
    let outcome = bytes.withUnsafeBytes { buffer -> Result<JSONValue, EngineError> in
      do throws(EngineError) {
        return .success(try parse(buffer, limits: limits, nonFinite: nonFinite))
      } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  private func fail(_ expected: String) -> EngineError {
    let line = 1 + bytes[..<min(at, bytes.count)].count { $0 == 0x0A }
    let shown = bytes[min(at, bytes.count)..<min(at + 20, bytes.count)]
    return EngineError(
      .malformed, "the JSON text is wrong", expected: expected,
      received: shown.isEmpty ? "the end" : "'\(String(decoding: shown, as: UTF8.self))'",
      subject: .init(offset: at, line: line))
  }

  /// The byte at hand; zero, which no JSON text holds, at the end.
  private var next: UInt8 { at < bytes.count ? bytes[at] : 0 }

  private mutating func skipBlanks() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x09, 0x0A, 0x0D: at += 1
      default: return
      }
    }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard let slice = bytes.slice(at, count),
      slice.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: count))
    else { return false }
    at += count
    return true
  }

  private mutating func value(depth: Int) throws(EngineError) -> JSONValue {
    guard depth <= maxDepth else {
      throw EngineError(
        .budget, "the JSON text is nested more than \(maxDepth) deep", subject: .init(offset: at))
    }
    valuesLeft -= 1
    guard valuesLeft >= 0 else {
      throw EngineError(.budget, "the JSON text has too many values", subject: .init(offset: at))
    }
    skipBlanks()
    switch next {
    case 0x7B: return try object(depth)
    case 0x5B: return try array(depth)
    case 0x22: return .string(try string())
    case 0x74 where take("true"): return .bool(true)
    case 0x66 where take("false"): return .bool(false)
    case 0x6E where take("null"): return .null
    case 0x4E where nonFinite && take("NaN"): return .double(.nan)
    case 0x49 where nonFinite && take("Infinity"): return .double(.infinity)
    case 0x2D where nonFinite && take("-Infinity"): return .double(-.infinity)
    case 0x2D, 0x30...0x39: return try number()
    default: throw fail("a value")
    }
  }

  private mutating func array(_ depth: Int) throws(EngineError) -> JSONValue {
    at += 1
    var list: [JSONValue] = []
    skipBlanks()
    if next == 0x5D {
      at += 1
      return .array([])
    }
    while true {
      list.append(try value(depth: depth + 1))
      skipBlanks()
      if next == 0x2C {
        at += 1
      } else if next == 0x5D {
        at += 1
        return .array(list)
      } else {
        throw fail("',' or ']'")
      }
    }
  }

  private mutating func object(_ depth: Int) throws(EngineError) -> JSONValue {
    at += 1
    var result = JSONObject()
    var seen: Set<String> = []
    skipBlanks()
    if next == 0x7D {
      at += 1
      return .object(result)
    }
    while true {
      skipBlanks()
      guard next == 0x22 else { throw fail("a name in quotes") }
      let place = at
      let key = try string()
      guard seen.insert(key).inserted else {
        at = place
        throw fail("each name once")
      }
      skipBlanks()
      guard next == 0x3A else { throw fail("':'") }
      at += 1
      result.append(key, try value(depth: depth + 1))
      skipBlanks()
      if next == 0x2C {
        at += 1
      } else if next == 0x7D {
        at += 1
        return .object(result)
      } else {
        throw fail("',' or '}'")
      }
    }
  }

  private mutating func string() throws(EngineError) -> String {
    at += 1
    let from = at
    // Most strings hold no escape and are taken whole.
    while at < bytes.count, bytes[at] != 0x22, bytes[at] != 0x5C, bytes[at] >= 0x20 { at += 1 }
    if next == 0x22 {
      guard let text = String(validating: bytes[from..<at], as: UTF8.self) else {
        at = from
        throw fail("UTF-8 text")
      }
      at += 1
      return text
    }
    var unescaped = Array(bytes[from..<at])
    while true {
      let c = next
      guard at < bytes.count, c >= 0x20 else { throw fail("the end of a string") }
      at += 1
      if c == 0x22 { break }
      if c == 0x5C { try escape(&unescaped) } else { unescaped.append(c) }
    }
    guard let text = String(validating: unescaped, as: UTF8.self) else {
      at = from
      throw fail("UTF-8 text")
    }
    return text
  }

  private mutating func escape(_ out: inout [UInt8]) throws(EngineError) {
    let c = next
    switch c {
    case 0x22, 0x5C, 0x2F: out.append(c)
    case 0x62: out.append(0x08)
    case 0x66: out.append(0x0C)
    case 0x6E: out.append(0x0A)
    case 0x72: out.append(0x0D)
    case 0x74: out.append(0x09)
    case 0x75:
      at += 1
      var code = try hex()
      if code & 0xFC00 == 0xD800 {
        guard take("\\u") else { throw fail("the second half of a surrogate pair") }
        let low = try hex()
        guard low & 0xFC00 == 0xDC00 else { throw fail("the second half of a surrogate pair") }
        code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF))
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw fail("the first half of a surrogate pair before")
      }
      out.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
      return
    default: throw fail("an escape")
    }
    at += 1
  }

  private mutating func hex() throws(EngineError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let c = next
      let digit: UInt8
      switch c {
      case 0x30...0x39: digit = c - 0x30
      case 0x41...0x46: digit = c - 0x41 + 10
      case 0x61...0x66: digit = c - 0x61 + 10
      default: throw fail("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }

  private mutating func digits() throws(EngineError) {
    guard next >= 0x30, next <= 0x39 else { throw fail("a digit") }
    while next >= 0x30, next <= 0x39 { at += 1 }
  }

  private mutating func number() throws(EngineError) -> JSONValue {
    let from = at
    if next == 0x2D { at += 1 }
    if next == 0x30 { at += 1 } else { try digits() }
    let isInteger = next != 0x2E && next | 0x20 != 0x65
    if next == 0x2E {
      at += 1
      try digits()
    }
    if next | 0x20 == 0x65 {
      at += 1
      if next == 0x2B || next == 0x2D { at += 1 }
      try digits()
    }
    let text = bytes[from..<at]
    if isInteger, text.count <= 20 {
      let whole = String(decoding: text, as: UTF8.self)
      if let value = Int64(whole) { return .int(value) }
      if let value = UInt64(whole) { return .unsigned(value) }
    }
    let value = JSONParser.double(text)
    guard let value, value.isFinite else {
      at = from
      throw fail("a number that a double can hold")
    }
    return .double(value)
  }

  private static func double(_ text: Slice<UnsafeRawBufferPointer>) -> Double? {
    // The fast way wants a byte behind the number that is no part of it.
    guard text.count < 64 else { return Double(String(decoding: text, as: UTF8.self)) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { copy in
      copy.update(repeating: 0)
      for (i, byte) in text.enumerated() { copy[i] = byte }
      let start = UnsafePointer(copy.baseAddress.unsafelyUnwrapped)
      var digits = DecimalParser.Digits()
      guard let end = DecimalParser.digits(start, &digits) else { return nil }
      return DecimalParser.fastDouble(digits, DecimalParser.powerTable)
        ?? DecimalParser.slowDouble(start, end)
    }
  }
}
