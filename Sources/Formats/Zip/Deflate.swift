import CZlib
import Tensors

/// Raw deflate, as zip members hold it.
package enum Deflate {
  /// What one byte of deflate can become at most; 258 bytes from two bits, and a little.
  package static let maxRatio = 1032

  private static let step = 1 << 30

  /// Fills `output` from `input`, which must give exactly that many bytes and then end.
  ///
  /// Errors: `.malformed`.
  package static func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(EngineError) {
    let stream = makeStream()
    defer { stream.deallocate() }
    guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw EngineError(.unavailable, "zlib could not be started") }
    defer { inflateEnd(stream) }
    // One spare byte shows output beyond what was promised, also when nothing was.
    var spare: UInt8 = 0
    var (taken, made) = (0, 0)
    while true {
      let feed = min(step, input.count - taken)
      let room = min(step, output.count - made)
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: input.baseAddress?.advanced(by: taken).assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(feed)
      let status: Int32
      if room > 0 {
        stream.pointee.next_out = output.baseAddress?.advanced(by: made).assumingMemoryBound(
          to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        status = CZlib.inflate(stream, Z_NO_FLUSH)
        made += room - Int(stream.pointee.avail_out)
      } else {
        var overflowed = false
        (status, overflowed) = withUnsafeMutablePointer(to: &spare) { spare in
          stream.pointee.next_out = spare
          stream.pointee.avail_out = 1
          let status = CZlib.inflate(stream, Z_NO_FLUSH)
          return (status, stream.pointee.avail_out == 0)
        }
        if overflowed { throw malformed("more than \(output.count) bytes come out of it") }
      }
      let used = feed - Int(stream.pointee.avail_in)
      taken += used
      if status == Z_STREAM_END { break }
      guard status == Z_OK, used > 0 || room > 0 else {
        throw malformed("it is damaged or cut off")
      }
    }
    guard made == output.count else { throw malformed("only \(made) bytes come out of it") }
    guard taken == input.count else { throw malformed("bytes follow its end") }
  }

  /// zlib remembers where its state stands, so that it must not move.
  private static func makeStream() -> UnsafeMutablePointer<z_stream> {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    return stream
  }

  private static func malformed(_ why: String) -> EngineError {
    EngineError(.malformed, "compressed data is wrong: \(why)")
  }

  /// The bytes compressed at zlib's usual level; the same bytes give the same result.
  package static func deflate(_ parts: [UnsafeRawBufferPointer]) throws(EngineError) -> [UInt8] {
    let stream = makeStream()
    defer { stream.deallocate() }
    guard
      deflateInit2_(
        stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw EngineError(.unavailable, "zlib could not be started") }
    defer { deflateEnd(stream) }
    var result: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 18)
    func run(_ flush: Int32) -> Int32 {
      var status: Int32 = Z_OK
      repeat {
        let count = block.count
        let made = block.withUnsafeMutableBufferPointer { room in
          stream.pointee.next_out = room.baseAddress
          stream.pointee.avail_out = UInt32(count)
          status = CZlib.deflate(stream, flush)
          return count - Int(stream.pointee.avail_out)
        }
        result.append(contentsOf: block[0..<made])
      } while stream.pointee.avail_out == 0
      return status
    }
    for part in parts {
      var taken = 0
      while taken < part.count {
        let feed = min(step, part.count - taken)
        stream.pointee.next_in = UnsafeMutablePointer(
          mutating: part.baseAddress?.advanced(by: taken).assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(feed)
        _ = run(Z_NO_FLUSH)
        taken += feed
      }
    }
    stream.pointee.avail_in = 0
    guard run(Z_FINISH) == Z_STREAM_END else {
      throw EngineError(.internalDefect, "zlib did not finish a stream")
    }
    return result
  }
}
