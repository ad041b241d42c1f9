import Formats
import Glibc
import Tensors

/// Files beneath a model's folder: opened one part of the path after another, following no links.
struct ModelFolder {
  let path: String

  /// Maps the file at `location` beneath the folder.
  ///
  /// Errors: `.invalidModel` for locations that leave the folder, links and files that are none;
  /// `.inputMissing`; `.budget` beyond `limit` bytes.
  func file(_ location: String, limit: Int = 1 << 40) throws(EngineError) -> FileBytes {
    let parts = location.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard !parts.isEmpty, !location.utf8.contains(0),
      !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
    else {
      throw EngineError(
        .invalidModel, "a file of the model has an illegal name",
        expected: "a path beneath the model's folder", received: "'\(location)'")
    }
    var fd = open(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard fd >= 0 else { throw EngineError.failed(.inputMissing, "cannot open", path) }
    for (i, part) in parts.enumerated() {
      let kind = i + 1 < parts.count ? O_DIRECTORY : O_NONBLOCK
      let next = openat(fd, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | kind, 0)
      let reason = errno
      close(fd)
      guard next >= 0 else {
        if reason == ELOOP || reason == ENOTDIR {
          throw EngineError(
            .invalidModel, "'\(location)' is reached through a link or is no file",
            expected: "a file beneath the model's folder")
        }
        throw EngineError(
          .inputMissing, "cannot open '\(location)': \(String(cString: strerror(reason)))")
      }
      fd = next
    }
    return try FileBytes(owning: fd, location, limit: limit)
  }
}
