import Glibc
import Tensors

/// Bytes written to a descriptor through a buffer of 256 KiB.
public final class FileSink: ByteSink {
  public let path: String
  private let descriptor: Int32
  private let owns: Bool
  private var buffer: [UInt8] = []
  private static let blockSize = 1 << 18

  /// Writes to an open descriptor, which stays open.
  public init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
    owns = false
    buffer.reserveCapacity(FileSink.blockSize)
  }

  /// Creates or empties `path`; `-` is standard output.
  ///
  /// Errors: `.cannotCreate`.
  public init(path: String) throws(EngineError) {
    self.path = path
    if path == "-" {
      descriptor = 1
      owns = false
    } else {
      descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw EngineError.system(.cannotCreate, "create", path) }
      owns = true
    }
    buffer.reserveCapacity(FileSink.blockSize)
  }

  deinit { if owns { close(descriptor) } }

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
