/// Writes numbers as text, floats in the shortest form that reads back as the same value.
enum DecimalWriter {
  static func append(_ value: Float, to bytes: inout [UInt8]) {
    if appendWhole(Double(value), below: 0x1p24, to: &bytes) { return }
    append(value.description, to: &bytes)
  }

  static func append(_ value: Double, to bytes: inout [UInt8]) {
    if appendWhole(value, below: 0x1p53, to: &bytes) { return }
    append(value.description, to: &bytes)
  }

  /// Writes whole numbers as `12.0`, without the work that fractions need.
  private static func appendWhole(
    _ value: Double, below limit: Double, to bytes: inout [UInt8]
  ) -> Bool {
    guard abs(value) < limit, value == value.rounded(.towardZero),
      value != 0 || value.sign == .plus
    else { return false }
    append(Int64(value), to: &bytes)
    bytes.append(0x2E)
    bytes.append(0x30)
    return true
  }

  static func append(_ value: Int64, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(0x2D) }
    append(value.magnitude, to: &bytes)
  }

  static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = value
    repeat {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }
}
