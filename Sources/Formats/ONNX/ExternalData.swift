import Glibc
import Graphs
import Tensors

/// The files beside a model that hold its large weights. Every tensor of a model that lies outside
/// the model's file is read through here, wherever in the model it stands.
///
/// A location is a path beneath the model's folder. It is opened one component at a time, each
/// relative to the folder opened before and following no link, so that neither `..` nor a link nor
/// a change of the tree meanwhile leads elsewhere. The file must be regular and have one name: a
/// second hard link could name any file of the system.
///
/// Source: ONNX `docs/ExternalDataSecurity.md`; `openat` with `O_NOFOLLOW` per component gives what
/// `openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)` gives, on every kernel.
final class ExternalData {
  /// Where files are looked for; nil where there are none but those at hand.
  private let folder: String?
  private let limits: ReadLimits
  private var files: [String: FileBytes] = [:]
  private var verified: [String: String] = [:]
  private var total = 0
  private var copied = 0

  init(folder: String, limits: ReadLimits) {
    self.folder = folder
    self.limits = limits
  }

  /// The bytes of one file at hand, under a name; no other file is opened.
  init(within file: FileBytes, as location: String, limits: ReadLimits) {
    folder = nil
    self.limits = limits
    files = [location: file]
    total = file.bytes.count
  }

  /// The tensor that `entries` place.
  ///
  /// Errors: `.invalidModel` for an unknown or repeated key, an illegal location, offset, length or
  /// checksum; `.inputMissing` when the file is not there; `.budget` beyond `maxExternalBytes`.
  func tensor(_ type: TensorType, _ entries: [Graph.Metadata]) throws(EngineError) -> Tensor {
    var values: [String: String] = [:]
    for e in entries {
      guard ["location", "offset", "length", "checksum", "basepath"].contains(e.key) else {
        throw EngineError(.invalidModel, "external data has the unknown key '\(e.key)'")
      }
      guard values.updateValue(e.value, forKey: e.key) == nil else {
        throw EngineError(.invalidModel, "external data has the key '\(e.key)' twice")
      }
    }
    guard let location = values["location"] else {
      throw EngineError(.invalidModel, "external data has no location")
    }
    let offset = try number("offset", values) ?? 0
    let length = try number("length", values) ?? type.byteCount
    guard type.dtype != .string else {
      throw EngineError(.invalidModel, "strings cannot be in external data")
    }
    guard length == type.byteCount else {
      throw EngineError(
        .invalidModel, "external data '\(location)' has the wrong length for \(type)",
        expected: "\(type.byteCount) bytes", received: "\(length)")
    }
    let file = try open(location, checksum: values["checksum"])
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow, end <= file.bytes.count else {
      throw EngineError(
        .invalidModel, "external data '\(location)' is too short",
        expected: "\(length) bytes from byte \(offset)", received: "\(file.bytes.count) bytes")
    }
    let tensor = try Tensor.reading(type, offset..<end, of: file)
    if !tensor.storage.isBorrowed {
      // Tensors may share a range, but not so many that copies outgrow the files.
      copied += length
      guard copied / 2 <= total else {
        throw EngineError(
          .budget, "tensors share external data that is not aligned",
          expected: "copies of at most \(2 * total) bytes", received: "\(copied)")
      }
    }
    return tensor
  }

  /// The files opened so far.
  var identities: [FileIdentity] { files.values.compactMap(\.identity) }

  private func number(_ key: String, _ values: [String: String]) throws(EngineError) -> Int? {
    guard let text = values[key] else { return nil }
    guard let n = Int(text), n >= 0 else {
      throw EngineError(
        .invalidModel, "external data has an illegal \(key)", expected: "a number from 0",
        received: "'\(text)'")
    }
    return n
  }

  /// Opens a file beneath the folder, once.
  private func open(_ location: String, checksum: String?) throws(EngineError) -> FileBytes {
    if let known = files[location] {
      try verify(known, location, checksum)
      return known
    }
    guard let folder else {
      throw EngineError(
        .invalidModel, "external data lies outside the file", received: "'\(location)'")
    }
    var parts = location.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    // `./weights.data` is common and harmless.
    while parts.count > 1, parts[0] == "." { parts.removeFirst() }
    guard !location.utf8.contains(0),
      !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
    else {
      throw EngineError(
        .invalidModel, "external data has an illegal location",
        expected: "a path beneath the model's folder", received: "'\(location)'")
    }
    var fd = Glibc.open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard fd >= 0 else { throw EngineError.failed(.inputMissing, "cannot open", folder) }
    for (i, part) in parts.enumerated() {
      let flags = i + 1 < parts.count ? O_DIRECTORY : O_NONBLOCK
      let next = openat(fd, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0)
      let reason = errno
      close(fd)
      guard next >= 0 else { throw ExternalData.cannotOpen(location, reason) }
      fd = next
    }
    var status = stat()
    guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(fd)
      throw EngineError(.invalidModel, "external data '\(location)' is not a regular file")
    }
    guard status.st_nlink == 1 else {
      close(fd)
      throw EngineError(
        .invalidModel, "external data '\(location)' has several hard links", expected: "one name",
        received: "\(status.st_nlink)", hint: "copy the file")
    }
    total = total.addingReportingOverflow(Int(status.st_size)).partialValue
    guard total >= 0, total <= limits.maxExternalBytes else {
      close(fd)
      throw EngineError(
        .budget, "the external data is too large",
        expected: "at most \(limits.maxExternalBytes) bytes", received: "\(total)")
    }
    let file = try FileBytes(owning: fd, location, limit: limits.maxExternalBytes)
    try verify(file, location, checksum)
    files[location] = file
    return file
  }

  /// Compares a file with the SHA-1 that the model states, once.
  private func verify(
    _ file: FileBytes, _ location: String, _ checksum: String?
  ) throws(EngineError) {
    guard limits.verifiesChecksums, let checksum, verified[location] != checksum else { return }
    var sha = SHA1()
    sha.update(file.bytes)
    file.release()
    let received = sha.hex()
    guard received == checksum.lowercased() else {
      throw EngineError(
        .malformed, "external data '\(location)' is not the file the model was written with",
        expected: "checksum \(checksum)", received: received)
    }
    verified[location] = checksum
  }

  private static func cannotOpen(_ location: String, _ reason: Int32) -> EngineError {
    switch reason {
    case ELOOP, ENOTDIR:
      EngineError(
        .invalidModel, "external data '\(location)' is reached through a link or is no file",
        expected: "a file beneath the model's folder")
    default:
      EngineError(
        .inputMissing,
        "cannot open external data '\(location)': \(String(cString: strerror(reason)))")
    }
  }
}
