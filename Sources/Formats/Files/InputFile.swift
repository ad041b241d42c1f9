import Glibc
import Tensors

/// A file's bytes, mapped for reading when it is a regular file and read whole when it is not.
///
/// Views of the bytes hold the file as their owner. The mapping is private, but a file that another
/// process shortens while it is mapped faults on access: give only files that stay.
public final class InputFile: @unchecked Sendable {
  public let path: String
  /// Valid as long as the file object is, which nothing but an owner or `withExtendedLifetime` makes
  /// sure of. `contents` is the safe way for small files.
  public let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// Opens `path`; at most `limit` bytes are accepted.
  ///
  /// Errors: `.inputMissing` when it does not exist, is a folder or may not be read; `.budget` when
  /// it is larger than `limit`; `.io` when reading fails part-way.
  public init(_ path: String, limit: Int = Int.max) throws(EngineError) {
    let fd = try InputFile.open(path)
    defer { close(fd) }
    var status = stat()
    guard fstat(fd, &status) == 0 else { throw EngineError.system(.io, "read", path) }
    self.path = path
    if status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 {
      let size = Int(status.st_size)
      guard size <= limit else { throw InputFile.tooLarge(path, size, limit) }
      guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0), address != MAP_FAILED
      else { throw EngineError.system(.io, "map", path) }
      bytes = UnsafeRawBufferPointer(start: address, count: size)
      isMapped = true
      return
    }
    var data: [UInt8] = []
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { block.deallocate() }
    while true {
      let n = try InputFile.read(fd, into: block, path)
      if n == 0 { break }
      guard data.count + n <= limit else { throw InputFile.tooLarge(path, data.count + n, limit) }
      data.append(contentsOf: block[0..<n])
    }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(data.count, 1), alignment: 64)
    data.withUnsafeBytes { copy.copyMemory(from: $0) }
    bytes = UnsafeRawBufferPointer(rebasing: copy[0..<data.count])
    isMapped = false
  }

  deinit {
    guard let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress) else { return }
    if isMapped { munmap(start, bytes.count) } else { start.deallocate() }
  }

  /// A copy of the bytes.
  public var contents: [UInt8] { withExtendedLifetime(self) { Array(bytes) } }

  /// All bytes of a file, unpacked where they are gzip.
  ///
  /// Errors: those of opening; `.malformed` for damaged gzip; `.budget` for more than `limit` bytes.
  public static func unpacked(
    _ path: String, limit: Int = 16 << 30
  ) throws(EngineError) -> [UInt8] {
    let file = try InputFile(path, limit: limit)
    guard Gzip.isGzip(file.bytes) else { return file.contents }
    do throws(EngineError) {
      let made = try Gzip.inflate(file.bytes, limit: limit)
      return withExtendedLifetime(made) { Array(made.bytes) }
    } catch { throw error.at(file: path) }
  }

  /// A descriptor of `path` for reading; `-` is standard input.
  static func open(_ path: String) throws(EngineError) -> Int32 {
    if path == "-" { return dup(0) }
    let fd = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { throw EngineError.system(.inputMissing, "open", path) }
    var status = stat()
    if fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      close(fd)
      throw EngineError(
        .inputMissing, "is a folder", expected: "a file", subject: .init(file: path))
    }
    return fd
  }

  /// Reads once, repeating an interrupted call; 0 at the end.
  static func read(
    _ fd: Int32, into block: UnsafeMutableRawBufferPointer, _ path: String
  ) throws(EngineError) -> Int {
    while true {
      let n = Glibc.read(fd, block.baseAddress, block.count)
      if n >= 0 { return n }
      if errno != EINTR { throw EngineError.system(.io, "read", path) }
    }
  }

  private static func tooLarge(_ path: String, _ size: Int, _ limit: Int) -> EngineError {
    EngineError(
      .budget, "the file is too large", expected: "at most \(limit) bytes", received: "\(size)",
      subject: .init(file: path))
  }
}

extension InputFile: MappedMemory {
  public func releasePages(_ part: UnsafeRawBufferPointer) {
    if isMapped { MappedPages.drop(part) }
  }
}

extension EngineError {
  /// A failed system call, with the system's own words.
  static func system(_ code: Code, _ action: String, _ path: String) -> EngineError {
    let reason = String(cString: strerror(errno))
    return EngineError(code, "cannot \(action): \(reason)", subject: .init(file: path))
  }
}
