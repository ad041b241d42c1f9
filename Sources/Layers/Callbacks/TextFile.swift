import Glibc
import Tensors

/// A file that lines are added to, each written out at once.
final class TextFile {
  private let handle: UnsafeMutablePointer<FILE>
  private let path: String

  /// Errors: `.cannotCreate`.
  init(_ path: String, appends: Bool) throws(EngineError) {
    guard let handle = fopen(path, appends ? "ae" : "we") else {
      throw EngineError(
        .cannotCreate, "cannot be opened: \(String(cString: strerror(errno)))",
        subject: .init(file: path))
    }
    self.handle = handle
    self.path = path
  }

  deinit { fclose(handle) }

  /// Whether nothing is in it.
  var isEmpty: Bool { fseek(handle, 0, SEEK_END) == 0 && ftell(handle) == 0 }

  /// Errors: `.io`.
  func write(_ line: String) throws(EngineError) {
    guard fputs(line + "\n", handle) >= 0, fflush(handle) == 0 else {
      throw EngineError(
        .io, "cannot be written: \(String(cString: strerror(errno)))", subject: .init(file: path))
    }
  }
}
