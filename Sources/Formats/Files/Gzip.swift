import CZlib
import Glibc
import Tensors

/// One gzip member: read with limits, written with the same bytes every time.
///
/// Source: RFC 1952.
enum Gzip {
  static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// Deflate cannot do better than 258 bytes for two bits; the rest is room for tiny files.
  private static let bestRatio = 1032

  /// The bytes of a compressed file.
  ///
  /// The size at the end of the file is what memory is taken for, so it must be possible and true.
  ///
  /// Errors: `.malformed` for damage, a wrong size or checksum, or anything after the first member;
  /// `.budget` for more than `limit` bytes.
  static func inflate(
    _ bytes: UnsafeRawBufferPointer, limit: Int
  ) throws(EngineError) -> FileBytes {
    guard bytes.count >= 18 else {
      throw EngineError(.malformed, "the compressed file is too short")
    }
    let size = Int(
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)))
    guard size <= limit else {
      throw EngineError(
        .budget, "the compressed file becomes too large", expected: "at most \(limit) bytes",
        received: "\(size)")
    }
    guard size / bestRatio <= bytes.count else {
      throw EngineError(
        .malformed, "the compressed file states an impossible size",
        expected: "at most \(bytes.count * bestRatio) bytes", received: "\(size)")
    }
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, max(size, 1)) == 0, let memory else {
      throw EngineError(.budget, "no memory for a compressed file", received: "\(size) bytes")
    }
    let result = FileBytes(owning: memory, count: size)
    var stream = z_stream()
    guard
      inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw EngineError(.unavailable, "zlib cannot be used") }
    defer { inflateEnd(&stream) }
    var taken = 0
    var made = 0
    var spare: UInt8 = 0
    while true {
      // zlib counts in 32 bits.
      let input = min(bytes.count - taken, 1 << 30)
      stream.next_in = UnsafeMutablePointer(
        mutating: bytes.baseAddress?.advanced(by: taken).assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(input)
      let output = min(size - made, 1 << 30)
      // The end of the stream needs a place to write to, though nothing may come.
      let status = withUnsafeMutablePointer(to: &spare) { spare in
        stream.next_out =
          output > 0 ? (memory + made).assumingMemoryBound(to: UInt8.self) : spare
        stream.avail_out = UInt32(max(output, 1))
        return CZlib.inflate(&stream, Z_NO_FLUSH)
      }
      taken += input - Int(stream.avail_in)
      let wrote = max(output, 1) - Int(stream.avail_out)
      guard wrote <= output else {
        throw EngineError(
          .malformed, "the compressed file holds more than it states", expected: "\(size) bytes")
      }
      made += wrote
      if status == Z_STREAM_END { break }
      guard status == Z_OK, taken < bytes.count || wrote > 0 else {
        throw EngineError(
          .malformed, "the compressed file is damaged", subject: .init(offset: taken))
      }
    }
    guard made == size else {
      throw EngineError(
        .malformed, "the compressed file holds less than it states", expected: "\(size) bytes",
        received: "\(made)")
    }
    guard taken == bytes.count else {
      throw EngineError(
        .malformed, "the compressed file has \(bytes.count - taken) bytes after its end",
        subject: .init(offset: taken))
    }
    return result
  }
}
