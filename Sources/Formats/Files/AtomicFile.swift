import Glibc
import Synchronization
import Tensors

/// A file that appears whole or not at all.
///
/// Bytes go to a temporary file in the same folder; `commit` makes them durable and gives them the
/// name. Whatever fails before, the old file is as it was and the temporary one is gone. A process
/// that has the old file mapped keeps the old bytes. A target that is no regular file, such as a
/// pipe, is written directly.
///
/// Source: POSIX `rename`; ext4 alone makes up for a missing `fsync`.
public final class AtomicFile {
  public let path: String
  private let temporary: String?
  private let calls: FileCalls
  private var descriptor: Int32
  private static let counter = Atomic<Int>(0)

  /// Errors: `.cannotCreate` when the folder does not exist or may not be written.
  public convenience init(_ path: String) throws(EngineError) {
    try self.init(path, calls: FileCalls())
  }

  init(_ path: String, calls: FileCalls) throws(EngineError) {
    self.path = path
    self.calls = calls
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw EngineError(
        .cannotCreate, "is a folder", expected: "a file name", subject: .init(file: path))
    }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      temporary = nil
      descriptor = calls.open(path, O_WRONLY | O_CLOEXEC, 0)
    } else {
      let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
      let number = AtomicFile.counter.wrappingAdd(1, ordering: .relaxed).newValue
      let name = "\(path[..<slash]).\(path[slash...]).tmp-\(getpid())-\(number)"
      temporary = name
      let mode: mode_t = exists ? status.st_mode & 0o777 : 0o666
      descriptor = calls.open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    }
    guard descriptor >= 0 else {
      throw EngineError.failed(.cannotCreate, "cannot create the file", path)
    }
  }

  deinit { abandon() }

  /// Closes and removes the temporary file, if it has not become the target.
  private func abandon() {
    guard descriptor >= 0 else { return }
    _ = calls.close(descriptor)
    descriptor = -1
    if let temporary { _ = calls.unlink(temporary) }
  }

  private func fail(_ what: String) -> EngineError {
    let error = EngineError.failed(.io, what, path)
    abandon()
    return error
  }

  /// Errors: `.io` when the system does not take the bytes, a full disk included.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError) {
    guard descriptor >= 0 else {
      throw EngineError(.io, "the file is already closed", subject: .init(file: path))
    }
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let n = calls.write(descriptor, base + done, bytes.count - done)
      if n < 0, errno == EINTR { continue }
      guard n > 0 else { throw fail("cannot write") }
      done += n
    }
  }

  public func write(_ bytes: [UInt8]) throws(EngineError) {
    let failure: EngineError? = bytes.withUnsafeBytes { buffer in
      do throws(EngineError) { try write(buffer) } catch { return error }
      return nil
    }
    if let failure { throw failure }
  }

  /// Makes the bytes durable and gives them their name.
  ///
  /// Errors: `.io`; the old file is then still in place, unless only the folder's own entry could
  /// not be made durable.
  public func commit() throws(EngineError) {
    guard descriptor >= 0 else {
      throw EngineError(.io, "the file is already closed", subject: .init(file: path))
    }
    guard let temporary else {
      let failed = calls.close(descriptor) != 0
      descriptor = -1
      if failed { throw EngineError.failed(.io, "cannot write", path) }
      return
    }
    guard calls.sync(descriptor) == 0 else { throw fail("cannot make the file durable") }
    let closed = calls.close(descriptor)
    descriptor = -1
    guard closed == 0, calls.rename(temporary, path) == 0 else {
      let error = EngineError.failed(.io, "cannot put the file in its place", path)
      _ = calls.unlink(temporary)
      throw error
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let fd = calls.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    guard fd >= 0 else { return }
    // Some file systems cannot sync a folder and say EINVAL; there is nothing else to do there.
    let synced = calls.sync(fd)
    let reason = errno
    _ = calls.close(fd)
    guard synced == 0 || reason == EINVAL else {
      errno = reason
      throw EngineError.failed(.io, "cannot make the folder durable", path)
    }
  }
}
