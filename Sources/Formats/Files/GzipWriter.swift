import CZlib
import Tensors

/// Compresses a stream of bytes into one gzip member that says neither when nor where it was made.
final class GzipWriter {
  typealias Output = (UnsafeRawBufferPointer) throws(EngineError) -> Void
  private let stream: UnsafeMutablePointer<z_stream>
  private let header: UnsafeMutablePointer<gz_header>
  private let block: UnsafeMutableRawBufferPointer
  private let output: Output

  init(_ output: @escaping Output) throws(EngineError) {
    self.output = output
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    header = .allocate(capacity: 1)
    header.initialize(to: gz_header())
    block = .allocate(byteCount: 1 << 16, alignment: 64)
    header.pointee.os = 255
    guard
      deflateInit2_(
        stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK,
      deflateSetHeader(stream, header) == Z_OK
    else { throw EngineError(.unavailable, "zlib cannot be used") }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    header.deallocate()
    block.deallocate()
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var rest = bytes
    while rest.count > 0 {
      let n = min(rest.count, 1 << 30)
      try push(UnsafeRawBufferPointer(rebasing: rest[..<n]), Z_NO_FLUSH)
      rest = UnsafeRawBufferPointer(rebasing: rest[n...])
    }
  }

  func finish() throws(EngineError) {
    try push(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
  }

  private func push(_ bytes: UnsafeRawBufferPointer, _ flush: Int32) throws(EngineError) {
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(bytes.count)
    var status = Z_OK
    repeat {
      stream.pointee.next_out = block.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(block.count)
      status = deflate(stream, flush)
      guard status != Z_STREAM_ERROR else {
        throw EngineError(.internalDefect, "zlib refuses to compress")
      }
      let made = block.count - Int(stream.pointee.avail_out)
      try output(UnsafeRawBufferPointer(rebasing: block[..<made]))
    } while flush == Z_FINISH
      ? status != Z_STREAM_END : stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
  }
}
