import Glibc
import Tensors

/// The names in a folder, in the order of their bytes, without those that begin with a point.
///
/// Errors: `.inputMissing`.
func listing(_ folder: String) throws(EngineError) -> [String] {
  guard let handle = opendir(folder) else {
    throw EngineError(
      .inputMissing, "cannot be opened: \(String(cString: strerror(errno)))", expected: "a folder",
      subject: .init(file: folder))
  }
  defer { closedir(handle) }
  var names: [String] = []
  while let entry = readdir(handle) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
}

/// Whether a path is a folder.
public func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
