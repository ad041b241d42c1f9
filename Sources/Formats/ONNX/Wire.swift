/// The primitives of the wire format, for writing.
enum Wire {
  static func appendVarint(_ value: UInt64, to out: inout [UInt8]) {
    var v = value
    while v >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: v) | 0x80)
      v >>= 7
    }
    out.append(UInt8(truncatingIfNeeded: v))
  }
}
