/// CRC-32C (Castagnoli), which LevelDB's tables and TensorFlow's checkpoints guard their bytes with.
///
/// Source: RFC 3720, appendix B.4; reversed polynomial 0x82F63B78.
struct CRC32C {
  private var state: UInt32 = 0xFFFF_FFFF

  /// Eight tables, so that eight bytes take one step.
  private static let tables: [UInt32] = {
    var made = [UInt32](repeating: 0, count: 8 * 256)
    for i in 0..<256 {
      var c = UInt32(i)
      for _ in 0..<8 { c = c & 1 == 1 ? c >> 1 ^ 0x82F6_3B78 : c >> 1 }
      made[i] = c
    }
    for t in 1..<8 {
      for i in 0..<256 {
        let before = made[(t - 1) * 256 + i]
        made[t * 256 + i] = before >> 8 ^ made[Int(before & 0xFF)]
      }
    }
    return made
  }()

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var c = state
    Self.tables.withUnsafeBufferPointer { table in
      var i = 0
      while i + 8 <= bytes.count {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
        let x = word ^ UInt64(c)
        c = 0
        for k in 0..<8 {
          c ^= table[(7 - k) * 256 + Int(truncatingIfNeeded: x >> UInt64(8 * k) & 0xFF)]
        }
        i += 8
      }
      while i < bytes.count {
        c = c >> 8 ^ table[Int((c ^ UInt32(bytes[i])) & 0xFF)]
        i += 1
      }
    }
    state = c
  }

  var value: UInt32 { ~state }

  /// As files store it, so that a sum of sums is not weak: rotated and shifted (LevelDB's
  /// `util/crc32c.h`).
  var masked: UInt32 { (value >> 15 | value << 17) &+ 0xA282_EAD8 }
}
