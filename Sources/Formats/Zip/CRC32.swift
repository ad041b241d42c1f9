import CZlib

/// The checksum of zip and gzip.
package enum CRC32 {
  /// The checksum of what `seed` stands for followed by `bytes`.
  package static func update(_ seed: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    return UInt32(truncatingIfNeeded: crc32_z(UInt(seed), start, bytes.count))
  }

  package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    bytes.isEmpty ? 0 : update(0, bytes)
  }
}
