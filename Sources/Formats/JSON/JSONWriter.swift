/// Writes JSON; the same value gives the same bytes.
///
/// Doubles are written in the shortest form that reads back as the same value, always with a point
/// or an exponent. What JSON has no number for is written as the strings `NaN`, `Infinity` and
/// `-Infinity`.
public struct JSONWriter {
  public private(set) var bytes: [UInt8] = []
  private let isPretty: Bool

  /// - `isPretty`: a member a line, indented by two spaces; arrays of plain values stay on one line.
  public init(pretty: Bool = false) { isPretty = pretty }

  public static func bytes(of value: JSONValue, pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    writer.write(value)
    if pretty { writer.bytes.append(0x0A) }
    return writer.bytes
  }

  public static func string(of value: JSONValue, pretty: Bool = false) -> String {
    String(decoding: bytes(of: value, pretty: pretty), as: UTF8.self)
  }

  public mutating func write(_ value: JSONValue) { write(value, indent: 0) }

  private mutating func write(_ value: JSONValue, indent: Int) {
    switch value {
    case .null: append("null")
    case .bool(let flag): append(flag ? "true" : "false")
    case .int(let number): DecimalWriter.append(number, to: &bytes)
    case .unsigned(let number): DecimalWriter.append(number, to: &bytes)
    case .double(let number): write(number)
    case .string(let text): write(text)
    case .array(let list):
      let isFlat = !list.contains { $0.asArray != nil || $0.asObject != nil }
      group(0x5B, 0x5D, list.count, indent, isFlat) { writer, i in
        writer.write(list[i], indent: indent + 1)
      }
    case .object(let object):
      group(0x7B, 0x7D, object.count, indent, false) { writer, i in
        writer.write(object.keys[i])
        writer.append(writer.isPretty ? ": " : ":")
        writer.write(object.values[i], indent: indent + 1)
      }
    }
  }

  private mutating func group(
    _ open: UInt8, _ close: UInt8, _ count: Int, _ indent: Int, _ isFlat: Bool,
    _ item: (inout JSONWriter, Int) -> Void
  ) {
    bytes.append(open)
    for i in 0..<count {
      if i > 0 { append(isPretty && isFlat ? ", " : ",") }
      if !isFlat { newLine(indent + 1) }
      item(&self, i)
    }
    if !isFlat && count > 0 { newLine(indent) }
    bytes.append(close)
  }

  private mutating func newLine(_ indent: Int) {
    guard isPretty else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: 2 * indent))
  }

  private mutating func append(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A number, or the string that stands for it.
  mutating func write(_ number: Double) {
    if number.isFinite { DecimalWriter.append(number, to: &bytes) } else { nonFinite(number) }
  }

  mutating func write(_ number: Float) {
    if number.isFinite {
      DecimalWriter.append(number, to: &bytes)
    } else {
      nonFinite(Double(number))
    }
  }

  private mutating func nonFinite(_ number: Double) {
    write(number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity")
  }

  mutating func write(_ text: String) {
    bytes.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22: append("\\\"")
      case 0x5C: append("\\\\")
      case 0x0A: append("\\n")
      case 0x0D: append("\\r")
      case 0x09: append("\\t")
      case 0..<0x20:
        append("\\u00")
        for digit in [byte >> 4, byte & 15] {
          bytes.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }

  /// A part of the text that the caller has made.
  mutating func raw(_ text: StaticString) { append(text) }
}
