import Formats
import Tensors

/// A zip file as PyTorch writes them: members stored as they are, all below one folder.
struct TorchArchive {
  let zip: ZipArchive
  /// Keeps the bytes alive.
  let owner: AnyObject
  private var places: [String: Int] = [:]

  /// Errors: `.malformed`, `.unsupported`, `.budget`; `.unsupported` for big-endian archives.
  init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) throws(EngineError) {
    zip = try ZipArchive(bytes, limits: TensorLimits())
    self.owner = owner
    for (i, entry) in zip.entries.enumerated() {
      // The name of the folder is the file's when it was saved: nothing depends on it.
      let name = entry.name.firstIndex(of: "/").map { entry.name[entry.name.index(after: $0)...] }
      places[String(name ?? entry.name[...])] = i
      if places[entry.name] == nil { places[entry.name] = i }
    }
    if let order = member("byteorder") {
      let text = try self.bytes(order)
      guard text.elementsEqual("little".utf8) else {
        throw EngineError(
          .unsupported, "the archive's numbers are big-endian", expected: "byteorder little")
      }
    }
  }

  /// The place of the member `name`, without its first folder.
  func member(_ name: String) -> Int? { places[name] }
  /// The names of all members without their first folder.
  var names: [String] { Array(places.keys) }

  /// The bytes of a member where they lie, checked against their sum.
  ///
  /// Errors: `.unsupported` for one that is compressed; `.malformed` for a wrong sum.
  func bytes(_ place: Int) throws(EngineError) -> UnsafeRawBufferPointer {
    guard let stored = zip.storedBytes(place) else {
      throw EngineError(
        .unsupported, "member '\(zip.entries[place].name)' is compressed",
        expected: "members stored as they are, as PyTorch writes them")
    }
    try zip.checkSum(place, stored)
    // What was only read to be checked need not stay in memory.
    (owner as? FileBytes)?.releasePages(stored)
    return stored
  }

  /// Errors: `.malformed` where the record is missing, or of another size than its storage.
  func tensor(_ tensor: PickleTensor) throws(EngineError) -> Tensor {
    let storage = tensor.storage
    guard let place = member("data/\(storage.key)") else {
      throw EngineError(.malformed, "the archive has no record 'data/\(storage.key)'")
    }
    let bytes = try bytes(place)
    let (expected, overflow) = storage.count.multipliedReportingOverflow(by: storage.dtype.byteSize)
    guard !overflow, expected == bytes.count else {
      throw EngineError(
        .malformed, "record 'data/\(storage.key)' does not fit its storage",
        expected: "\(storage.count) elements of \(storage.dtype)",
        received: "\(bytes.count) bytes")
    }
    return try StridedBytes.tensor(
      TensorType(storage.dtype, try Shape(checking: tensor.sizes)), offset: tensor.offset,
      strides: tensor.strides, of: bytes, owner: owner)
  }
}
