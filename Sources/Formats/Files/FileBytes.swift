import Glibc
import Graphs
import Tensors

/// The bytes of a model file: mapped, or held in memory.
///
/// Tensors that are views of the bytes hold this object as their owner. A mapping is private, but a
/// file that another process shortens meanwhile faults on access: writers must replace files, as
/// `AtomicFile` does, and not overwrite them.
package final class FileBytes: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  /// The open file when the bytes are mapped, else -1.
  private let descriptor: Int32

  package var isMapped: Bool { descriptor >= 0 }

  /// The mapped file; nil for bytes in memory.
  package var identity: FileIdentity? {
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
    return FileIdentity(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), bytes: Int(status.st_size),
      modified: Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec))
  }

  /// Maps a regular file for reading.
  ///
  /// Errors: `.inputMissing` when it does not exist, may not be read or is no regular file;
  /// `.budget` when it is larger than `limit`; `.io` when mapping fails.
  package init(mapping path: String, limit: Int) throws(EngineError) {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard fd >= 0 else { throw EngineError.failed(.inputMissing, "cannot open", path) }
    do throws(EngineError) {
      bytes = try FileBytes.map(fd, path, limit: limit)
      descriptor = fd
    } catch {
      close(fd)
      throw error
    }
  }

  /// Takes over an open descriptor of a regular file.
  package init(owning fd: Int32, _ path: String, limit: Int) throws(EngineError) {
    do throws(EngineError) {
      bytes = try FileBytes.map(fd, path, limit: limit)
      descriptor = fd
    } catch {
      close(fd)
      throw error
    }
  }

  /// Copies `data`, 64-byte aligned.
  ///
  /// Errors: `.budget` when there is no memory.
  package init(copying data: UnsafeRawBufferPointer) throws(EngineError) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, max(data.count, 1)) == 0, let memory else {
      throw EngineError(.budget, "no memory for a file", received: "\(data.count) bytes")
    }
    if let base = data.baseAddress { memory.copyMemory(from: base, byteCount: data.count) }
    bytes = UnsafeRawBufferPointer(start: memory, count: data.count)
    descriptor = -1
  }

  /// Takes over memory of `malloc` or `posix_memalign`.
  package init(owning memory: UnsafeMutableRawPointer, count: Int) {
    bytes = UnsafeRawBufferPointer(start: memory, count: count)
    descriptor = -1
  }

  deinit {
    guard let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress) else {
      if descriptor >= 0 { close(descriptor) }
      return
    }
    if descriptor >= 0 {
      munmap(start, bytes.count)
      close(descriptor)
    } else {
      free(start)
    }
  }

  private static func map(
    _ fd: Int32, _ path: String, limit: Int
  ) throws(EngineError) -> UnsafeRawBufferPointer {
    var status = stat()
    guard fstat(fd, &status) == 0 else { throw EngineError.failed(.io, "cannot read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw EngineError(
        .inputMissing, "is not a regular file", hint: "give a file", subject: .init(file: path))
    }
    let size = Int(status.st_size)
    guard size <= limit else { throw tooLarge(size, limit).at(file: path) }
    guard size > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0), address != MAP_FAILED
    else { throw EngineError.failed(.io, "cannot map", path) }
    return UnsafeRawBufferPointer(start: address, count: size)
  }

  private static func tooLarge(_ size: Int, _ limit: Int) -> EngineError {
    EngineError(
      .budget, "the file is too large", expected: "at most \(limit) bytes", received: "\(size)",
      hint: "keep the weights in external data")
  }

  /// Errors: `.budget` for more than `limit` bytes.
  package func check(limit: Int) throws(EngineError) {
    guard bytes.count <= limit else { throw FileBytes.tooLarge(bytes.count, limit) }
  }

  /// Lets the system drop the pages of a mapped file that were touched; they come back on access.
  package func release() {
    guard descriptor >= 0, let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress) else {
      return
    }
    madvise(start, bytes.count, MADV_DONTNEED)
  }

  /// Copies a range that lies within the bytes.
  ///
  /// A mapped file is read through its descriptor: the copy is then all that becomes resident.
  package func copy(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws(EngineError) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= bytes.count,
      "range \(range) of \(bytes.count) bytes")
    guard descriptor >= 0 else {
      if let base = bytes.baseAddress {
        target.copyMemory(from: base + range.lowerBound, byteCount: range.count)
      }
      return
    }
    var done = 0
    while done < range.count {
      let n = pread(
        descriptor, target + done, range.count - done, off_t(range.lowerBound + done))
      if n < 0, errno == EINTR { continue }
      guard n > 0 else {
        throw EngineError(
          .io, n == 0 ? "the file became shorter while it was read" : "cannot read",
          subject: .init(offset: range.lowerBound + done))
      }
      done += n
    }
  }
}

extension EngineError {
  /// A failed system call, in the system's own words.
  package static func failed(_ code: Code, _ what: String, _ path: String?) -> EngineError {
    let reason = String(cString: strerror(errno))
    return EngineError(code, "\(what): \(reason)", subject: .init(file: path))
  }
}

extension FileBytes: MappedMemory {
  package func releasePages(_ part: UnsafeRawBufferPointer) {
    if isMapped { MappedPages.drop(part) }
  }
}
