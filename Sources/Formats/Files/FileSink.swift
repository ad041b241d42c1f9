import Glibc
import Tensors

/// Bytes written to an open descriptor, such as standard output, through a buffer of 256 KiB.
///
/// Files that should appear whole are written through `AtomicFile`, which is a sink as well.
public final class FileSink: ByteSink {
  public let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private static let blockSize = 1 << 18

  /// The descriptor stays open.
  public init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
    buffer.reserveCapacity(FileSink.blockSize)
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    if buffer.count + bytes.count > FileSink.blockSize { try flush() }
    if bytes.count >= FileSink.blockSize {
      try send(bytes)
    } else {
      buffer.append(contentsOf: bytes)
    }
  }

  /// Hands everything to the system.
  ///
  /// Errors: `.io` when writing fails, a full disk included.
  public func flush() throws(EngineError) {
    let pending = buffer
    buffer.removeAll(keepingCapacity: true)
    let outcome = pending.withUnsafeBytes { bytes -> EngineError? in
      do throws(EngineError) { try send(bytes) } catch { return error }
      return nil
    }
    if let outcome { throw outcome }
  }

  private func send(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    var rest = bytes
    while rest.count > 0 {
      let n = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if n < 0 {
        if errno == EINTR { continue }
        throw EngineError.system(.io, "write", path)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[n...])
    }
  }
}

extension AtomicFile: ByteSink {}
