/// The checksum of Castagnoli's polynomial, 0x1EDC6F41 with bits turned round, as TFRecord files
/// have it.
///
/// - Source: RFC 3720, appendix B.4; TensorFlow's `tsl/lib/hash/crc32c.h` for the mask.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { n in
    var c = UInt32(n)
    for _ in 0..<8 { c = c & 1 == 1 ? c >> 1 ^ 0x82F6_3B78 : c >> 1 }
    return c
  }

  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var c = ~UInt32(0)
    for b in bytes { c = c >> 8 ^ table[Int((c ^ UInt32(b)) & 0xFF)] }
    return ~c
  }

  /// The checksum turned by 15 bits and moved, so that checksums of bytes that hold checksums are
  /// as good as others.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let c = checksum(bytes)
    return (c >> 15 | c << 17) &+ 0xA282_EAD8
  }
}
