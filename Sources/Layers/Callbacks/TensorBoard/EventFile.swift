import Glibc
import Tensors

/// A log that TensorBoard reads: records of a length, its checksum, the bytes, and their checksum
/// (TFRecord), each an event. Every event is written out at once.
///
/// - Source: TensorFlow's `lib/io/record_writer.h` for records.
final class EventFile {
  private let handle: UnsafeMutablePointer<FILE>
  /// The file.
  let path: String

  /// A new file in a folder, which is made where it is not there.
  ///
  /// Errors: `.cannotCreate`.
  init(folder: String) throws(EngineError) {
    try Self.make(folder)
    var host = [CChar](repeating: 0, count: 256)
    if gethostname(&host, host.count - 1) != 0 { host = [] }
    let name = String(
      decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let seconds = Int(Self.now())
    var number = 0
    var opened: UnsafeMutablePointer<FILE>?
    var path = ""
    repeat {
      path = "\(folder)/events.out.tfevents.\(seconds).\(name).\(getpid()).\(number).v2"
      number += 1
      opened = fopen(path, "wxe")
    } while opened == nil && errno == EEXIST && number < 1000
    guard let handle = opened else {
      throw EngineError(
        .cannotCreate, "cannot be opened: \(String(cString: strerror(errno)))",
        subject: .init(file: path))
    }
    self.handle = handle
    self.path = path
    try write(EventMessage.version(time: Self.now()))
  }

  deinit { fclose(handle) }

  /// Seconds since 1970.
  static func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_REALTIME, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  /// Errors: `.io`.
  func write(_ event: [UInt8]) throws(EngineError) {
    func bytes(_ word: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: word.littleEndian) { Array($0) }
    }
    let length = bytes(UInt64(event.count))
    let record =
      length + bytes(CRC32C.masked(length)) + event + bytes(CRC32C.masked(event))
    guard fwrite(record, 1, record.count, handle) == record.count, fflush(handle) == 0 else {
      throw EngineError(
        .io, "cannot be written: \(String(cString: strerror(errno)))", subject: .init(file: path))
    }
  }

  /// A folder with those above it.
  private static func make(_ folder: String) throws(EngineError) {
    var path = folder.hasPrefix("/") ? "/" : ""
    for part in folder.split(separator: "/") {
      path += path.isEmpty || path == "/" ? String(part) : "/\(part)"
      if mkdir(path, 0o777) != 0, errno != EEXIST {
        throw EngineError(
          .cannotCreate, "cannot be made: \(String(cString: strerror(errno)))",
          subject: .init(file: path))
      }
    }
  }
}
